"""A model that is built again and goes on: with the state of its optimizer, and without."""

# mypy: allow-untyped-calls
from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gradcheck.watch import takeovers
from tests.watch.running import Zygote

SCRIPT = """
import copy
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
X = torch.randn(512, 6)
Y = X[:, :1] * X[:, 1:2] + X[:, 2:3]

def build():
    model = nn.Sequential(nn.Linear(6, 96), nn.SiLU(), nn.Linear(96, 1))
    opt = torch.optim.{optimizer}
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.97)
    return model, opt, sched

def train(model, opt, sched, steps):
    for step in range(steps):
        at = torch.randint(0, 512, (64,))
        loss = F.mse_loss(model(X[at]), Y[at])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()

model, opt, sched = build()
train(model, opt, sched, 300)
state = copy.deepcopy([one.state_dict() for one in (model, opt, sched)])
"""
FORGOTTEN = "model, opt, sched = build()\nmodel.load_state_dict(state[0])\n"
LOADED = FORGOTTEN + "opt.load_state_dict(state[1])\nsched.load_state_dict(state[2])\n"
SAME_MODEL = "opt = torch.optim.Adam(model.parameters(), lr=0.1)\n"
ON = "train(model, opt, sched, 80)\n"
ADAM, SGD = "Adam(model.parameters(), lr=0.1)", "SGD(model.parameters(), lr=0.05)"


KEPT = "kept = (model, opt, sched)\n"


@pytest.mark.parametrize("kind", ["Adam", "Adagrad", "SGD", "Rprop"])
def test_a_state_that_counts_no_step_is_new(kind: str) -> None:
    """Adagrad fills its state in when it is made."""
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = getattr(torch.optim, kind)([parameter], lr=0.1)
    assert takeovers._is_new(optimizer)
    parameter.grad = torch.ones(3)
    optimizer.step()
    assert takeovers._is_new(optimizer) == (kind == "SGD")


@pytest.mark.parametrize("before", ["", KEPT], ids=["gone", "kept alive"])
def test_without_the_state_of_its_optimizer(zygote: Zygote, tmp_path: Path, before: str) -> None:
    ran = zygote.watch(tmp_path, SCRIPT.format(optimizer=ADAM) + before + FORGOTTEN + ON)
    assert ran.cause == "resumed_without_state"
    assert ran.run["first_bad_step"] in (300, 301, 302)
    assert "weights_written_outside" not in ran.keys


@pytest.mark.parametrize(
    "rest",
    [LOADED + ON, ON, SAME_MODEL + ON, KEPT + "model, opt, sched = build()\n" + ON],
    ids=["loaded", "went on", "another optimizer of the same model", "another training"],
)
def test_nothing_was_forgotten(zygote: Zygote, tmp_path: Path, rest: str) -> None:
    ran = zygote.watch(tmp_path, SCRIPT.format(optimizer=ADAM) + rest)
    assert "optimizer_began_anew" not in ran.keys


def test_an_optimizer_without_a_memory_has_nothing_to_forget(
    zygote: Zygote, tmp_path: Path
) -> None:
    rest = FORGOTTEN + "model[0].weight.data *= 30\n" + ON
    ran = zygote.watch(tmp_path, SCRIPT.format(optimizer=SGD) + rest)
    assert "optimizer_began_anew" not in ran.keys
