"""Optimizers that come and go, a fault in a replay, ranks: what is kept apart, and what ends."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from gradcheck.readers.watch_observations import FILE
from tests.watch.running import Zygote

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
"""
STAGES = (
    HEAD
    + """
first, other, second = nn.Linear(4, 1), nn.Linear(4, 1), nn.Linear(4, 1)
opt = torch.optim.SGD(first.parameters(), lr=0.01)
kept = torch.optim.SGD(other.parameters(), lr=0.01)

def stage(model, opt, steps):
    for _ in range(steps):
        x = torch.randn(8, 4)
        loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
        opt.zero_grad()
        loss.backward()
        opt.step()

stage(first, opt, 12)
stage(other, kept, 12)
opt = torch.optim.SGD(second.parameters(), lr=0.01)
stage(second, opt, 12)
stage(other, kept, 3)
"""
)
FAILING = (
    HEAD
    + """
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
with torch.no_grad():
    model.weight[0, 1] = float("nan")
for _ in range(5):
    x = torch.randn(8, 4)
    loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
)


def test_an_optimizer_is_not_taken_for_the_one_that_is_gone(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, STAGES)
    assert ran.code == 0, ran.err
    assert ran.keys == []
    assert ran.run["last_step"] == 23  # the second model's optimizer went on from step 12


def test_a_fault_in_a_replay_ends_it_and_hurts_nothing(zygote: Zygote, tmp_path: Path) -> None:
    fault = """
        from gradcheck.watch import blame
        def broken(*arguments):
            raise ValueError("a fault of ours")
        blame.root_of = broken
    """
    begun = time.monotonic()
    ran = zygote.watch(tmp_path, FAILING, prelude=fault)
    assert time.monotonic() - begun < 30  # not the patience of a replay that hangs
    assert ran.held
    assert "weight_nonfinite" in ran.keys  # seen without a replay
    assert "switched off" not in ran.err


def test_the_rank_is_told_where_no_line_is_known(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(
        tmp_path,
        FAILING,
        prelude="from gradcheck.watch import blame\nblame.root_of = lambda *arguments: None",
        environment={"WORLD_SIZE": "2", "RANK": "1"},
    )
    (seen,) = [one for one in _observations(ran.folder) if one["key"] == "weight_nonfinite"]
    assert seen["where"]["rank"] == 1


def _observations(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "record" / "rank1" / FILE).read_text("utf-8").splitlines()
    return [entry for entry in map(json.loads, lines) if "key" in entry]


def test_a_loop_without_an_optimizer_is_told_so(zygote: Zygote, tmp_path: Path) -> None:
    source = (
        HEAD
        + """
w = torch.zeros(4, 1, requires_grad=True)
for _ in range(20):
    x = torch.randn(16, 4)
    loss = F.mse_loss(x @ w, x.sum(1, keepdim=True))
    (g,) = torch.autograd.grad(loss, w)
    with torch.no_grad():
        w -= 0.1 * g
"""
    )
    ran = zygote.watch(tmp_path, source)
    assert ran.code == 0, ran.err
    assert "no optimizer of torch's took part" in ran.notes
