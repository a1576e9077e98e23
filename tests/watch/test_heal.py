"""`--heal`: long runs that would end in NaN go on to their end, and nothing of it is silent."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.watch.running import Ran, Zygote
from tests.watch.test_snapshot import REFUSED

HEAD = """
import math
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
"""
SAMPLE = """
x = torch.randn(800, 4)
data = TensorDataset(x, x.sum(1, keepdim=True) + 0.3 * torch.randn(800, 1))
data.tensors[0][77, 1] = BAD
model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.003)
for epoch in range(10):
    for x, y in DataLoader(data, batch_size=8, shuffle=True):
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        print(loss.item())
"""
SCHEDULE = """
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.02)
schedule = torch.optim.lr_scheduler.LambdaLR(opt, lambda at: 1 if at < 400 else BAD)
for step in range(1000):
    x = torch.randn(8, 4)
    loss = F.mse_loss(model(x), x.sum(1, keepdim=True) + 0.3 * torch.randn(8, 1))
    opt.zero_grad()
    loss.backward()
    opt.step()
    schedule.step()
    print(loss.item())
"""
LOG = """
model = nn.Linear(4, 2)
opt = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(1000):
    x = torch.randn(8, 4)
    p = model(x).softmax(1)
    target = (x.sum(1) > 0).long()
    if step % 300 == 299:
        p = p * torch.tensor([BAD, 1.0])
    loss = -(p GUARD).log()[torch.arange(8), target].mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
"""


@dataclass(frozen=True)
class Case:
    """A script that fails, and the same as somebody would have repaired it."""

    failing: str
    repaired: str
    steps: int


CASES = {
    "sample": Case(SAMPLE.replace("BAD", "math.nan"), SAMPLE.replace("BAD", "0.0"), 1000),
    "schedule": Case(SCHEDULE.replace("BAD", "1e6"), SCHEDULE.replace("BAD", "1"), 1000),
    "log": Case(
        LOG.replace("BAD", "0.0").replace("GUARD", ""),
        LOG.replace("BAD", "0.0").replace("GUARD", ".clamp_min(1e-7)"),
        1000,
    ),
}


def final(ran: Ran) -> float:
    """The median of the last 50 losses."""
    return statistics.median([float(line) for line in ran.out.split()[-50:]])


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_long_run_comes_to_its_end(zygote: Zygote, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    ran = zygote.watch(tmp_path / "healed", HEAD + case.failing, "--heal")
    repaired = zygote.bare(tmp_path / "repaired", HEAD + case.repaired)
    assert repaired.code == 0, repaired.err
    assert len(repaired.out.split()) == case.steps
    assert len(ran.out.split()) >= case.steps - 30, ran.err  # rolled-back steps are not run again
    assert ran.code in (0, 1), ran.err
    assert final(ran) < 1.5 * final(repaired) + 0.05
    told = [line for line in ran.err.splitlines() if "healed: " in line]
    assert 1 <= len(told) <= 3
    for line in told:  # never silent: on the terminal and in the record
        assert "the run goes on" in line
        assert line.removeprefix("gradcheck: ") in ran.notes


REPEATED = """
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(60):
    x = torch.randn(8, 4)
    loss = model(x).square().mean()
    if step % 4 == 3:
        loss = loss * math.nan
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
ONLY_SKIP = """
from gradcheck.watch.replay import plan
from gradcheck.watch import healing
plan.choose = lambda *args, **kwargs: ["skip_batch"]
healing.MOST = 3
"""


def test_interventions_have_a_limit(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + REPEATED, "--heal", prelude=ONLY_SKIP)
    assert ran.code == 1
    assert ran.err.count("healed: ") <= 3
    assert "not healed any more" in ran.err or "cannot be healed" in ran.err
    assert ran.run["last_step"] < 59


FOR_GOOD = """
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(60):
    loss = model(torch.randn(8, 4)).square().mean()
    if step >= 20:
        loss = loss * math.nan
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


def test_what_nothing_heals_ends_as_without(zygote: Zygote, tmp_path: Path) -> None:
    healed = zygote.watch(tmp_path / "healed", HEAD + FOR_GOOD, "--heal")
    plain = zygote.watch(tmp_path / "plain", HEAD + FOR_GOOD)
    assert "cannot be healed: no change that was tried held" in healed.err
    assert "cannot be healed" in healed.notes
    assert healed.code == plain.code == 1
    assert healed.run["last_step"] == plain.run["last_step"] == 20
    assert healed.run["verdict"] == plain.run["verdict"]


def test_where_no_fork_is_possible_it_is_run_from_its_start(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + FOR_GOOD, "--heal", prelude=REFUSED)
    assert ran.run["replay"]["method"] == "rerun"
    assert "step 20 cannot be healed: no change that was tried held" in ran.err
    assert ran.code == 1


def test_a_healthy_run_is_left_alone(zygote: Zygote, tmp_path: Path) -> None:
    source = HEAD + FOR_GOOD.replace("step >= 20", "False")
    ran = zygote.watch(tmp_path, source, "--heal")
    assert ran.code == 0
    assert "heal" not in ran.err
