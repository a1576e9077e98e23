"""Real scripts run again: the failure comes back bit for bit, and the right repair comes first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.watch.running import Ran, Zygote
from tests.watch.test_snapshot import REFUSED, processes_in

HEAD = """
import math, random
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
"""
POISONED = """
data = TensorDataset(torch.randn(96, 4), torch.randn(96, 1))
data.tensors[0][77, 1] = math.nan
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(3):
    for x, y in DataLoader(data, batch_size=8, shuffle=True, num_workers=WORKERS):
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        print(loss.item())
        opt.step()
"""
LOG = """
model = nn.Linear(4, 3)
opt = torch.optim.SGD(model.parameters(), lr=0.05)
order = list(range(40))
random.seed(3)
for epoch in range(4):
    random.shuffle(order)  # a fork must not seed it anew
    for step, at in enumerate(order):
        x = torch.randn(8, 4) * random.random()
        p = model(x).softmax(1)
        if epoch == 1 and step == 7:
            p = p * torch.tensor([0.0, 1.0, 1.0])
        loss = -p.log()[:, at % 3].mean() - 0.1 * p.log().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
"""
TOO_HIGH = """
model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1))
opt = torch.optim.SGD(model.parameters(), lr=0.02)
for step in range(120):
    x = torch.randn(16, 4)
    for group in opt.param_groups:
        group["lr"] = 0.02 if step < 60 else 1.0
    loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
CLASSES = """
model = nn.Linear(4, 3)
opt = torch.optim.AdamW(model.parameters())
for step in range(40):
    y = torch.randint(3, (8,))
    if step == 25:
        y[5] = 3
    loss = F.cross_entropy(model(torch.randn(8, 4)), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
GAN = """
made, judge = nn.Linear(4, 2), nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
g, d = (torch.optim.Adam(m.parameters(), lr=0.001) for m in (made, judge))
for step in range(50):
    real, fake = torch.randn(8, 2), made(torch.randn(8, 4))
    p, q = judge(real).sigmoid(), judge(fake.detach()).sigmoid()
    loss_d = -(p.log() + (1 - q * (1 if step != 30 else 1 / q.detach())).log()).mean()
    d.zero_grad()
    loss_d.backward()
    d.step()
    loss_g = -judge(fake).sigmoid().log().mean()
    g.zero_grad()
    loss_g.backward()
    g.step()
"""
ACCUMULATED = """
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(160):
    x = torch.randn(8, 4)
    mask = (torch.rand(8, 1) > 0.5).float() * (step != 90)
    loss = (model(x).square() * mask).sum() / mask.sum() / 4
    loss.backward()
    if step % 4 == 3:
        opt.step()
        opt.zero_grad()
"""


@dataclass(frozen=True)
class Case:
    """A script, and the changes of which one must come first."""

    source: str
    right: frozenset[str]
    finite: bool = False


CASES = {
    "sample": Case(POISONED.replace("WORKERS", "0"), frozenset({"without_samples"})),
    "sample_of_workers": Case(POISONED.replace("WORKERS", "2"), frozenset({"without_samples"})),
    "log": Case(LOG, frozenset({"guard_log"})),
    "rate": Case(TOO_HIGH, frozenset({"lower_learning_rate", "hold_learning_rate"}), finite=True),
    "class": Case(CLASSES, frozenset({"clamp_indices"})),
    "gan": Case(GAN, frozenset({"guard_log"})),
    "accumulated": Case(ACCUMULATED, frozenset({"guard_division"})),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_right_repair_comes_first(zygote: Zygote, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    ran = zygote.watch(tmp_path, HEAD + case.source, "--replay")
    replay = ran.run["replay"]
    assert replay is not None, ran.notes
    assert replay["method"] == "fork"
    assert replay["reproduced"] is True
    assert replay["bit_exact"] is True
    best = replay["trials"][0]
    assert best["change"] in case.right
    assert best["outcome"] == "prevented"
    assert best["healthy"] is True
    assert ran.run["diagnoses"][0]["remedies"][0]["trial"]["outcome"] == "prevented"
    assert ran.code == 1


def test_a_repair_that_held_is_evidence(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + LOG, "--replay")
    best = ran.run["diagnoses"][0]
    said = [one["statement"] for one in best["evidence"]]
    assert best["cause"] == "log_of_zero"
    assert any("run again with one change (guard log), the failure was gone" in one for one in said)


CLIPPED = """
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.05)
for step in range(120):
    x = torch.randn(16, 4)
    y = x.sum(1, keepdim=True) + 0.3 * torch.randn(16, 1)
    if step == 70:
        x[3] *= 60
    loss = F.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
"""


def test_a_clipped_spike_comes_back_at_its_full_height(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + CLIPPED, "--replay", "--fail-on", "spike")
    replay = ran.run["replay"]
    assert replay["reproduced"] is True
    assert replay["bit_exact"] is True
    outcomes = {one["change"]: one["outcome"] for one in replay["trials"]}
    assert outcomes["earlier_weights"] == "not_prevented"
    assert outcomes["skip_batch"] == "prevented"
    assert ran.run["verdict"] == "bad_data"


FALLING = """
model = nn.Linear(4, 2)
opt = torch.optim.SGD(model.parameters(), lr=0.08)
for step in range(260):
    x = torch.randn(32, 4)
    one, other, zero = model(x), model(-x), torch.zeros(32, 2)
    loss = (one - zero).pow(2).mean() - 1.2 * (other - zero).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


def test_a_loss_without_a_floor_is_no_run_that_stands_still(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + FALLING, "--replay")
    assert {event["kind"] for event in ran.run["events"]} == {"divergence"}
    assert ran.cause == "unbounded_loss"
    outcomes = {one["change"]: one["outcome"] for one in ran.run["replay"]["trials"]}
    assert ran.run["replay"]["reproduced"] is True
    assert outcomes["freeze_weights"] == "prevented"


# ---- where nothing is proved

CLOCKED = """
import os
model = nn.Linear(4, 1)
me = os.getpid()
opt = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(40):
    x = torch.randn(8, 4)
    if step == 20 and os.getpid() == me:  # as a bit that flips in memory: not in a copy
        model.weight.data[0, 0] = math.nan
    loss = F.mse_loss(model(x), x.sum(1, keepdim=True))
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


def test_a_fault_that_does_not_come_back_proves_nothing(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + CLOCKED, "--replay")
    replay = ran.run["replay"]
    assert replay["reproduced"] is False
    assert replay["trials"] == []
    remedies = [r for d in ran.run["diagnoses"] for r in d["remedies"]]
    assert [r for r in remedies if r["trial"]] == []
    said = [e["statement"] for d in ran.run["diagnoses"] for e in d["evidence"]]
    assert not any("run again" in one for one in said)
    # the same record, read by `analyze`, as text
    from gradcheck import diagnosis, formats, terminal

    text = formats.choose("text", None).render(diagnosis.analyze(ran.record), terminal.canvas(None))
    assert "the failure did not come back" in " ".join(text.split())
    assert "nothing is proved" in " ".join(text.split())


def test_what_a_rollback_does_not_reach_proves_nothing(zygote: Zygote, tmp_path: Path) -> None:
    """The script's own counters say when it fails, and they go on counting."""
    ran = zygote.watch(tmp_path, HEAD + LOG, "--replay", prelude=REFUSED)
    replay = ran.run["replay"]
    assert replay["method"] == "rollback"
    assert replay["reproduced"] is False
    assert replay["trials"] == []
    assert ran.cause in ("log_of_zero", "overflow_or_log_of_zero")  # seen without a trace


@pytest.mark.parametrize("options", [("--no-replay",), ("--replay", "none")])
def test_replays_are_left_out_on_request(
    zygote: Zygote, tmp_path: Path, options: tuple[str, ...]
) -> None:
    ran = zygote.watch(tmp_path, HEAD + LOG, *options)
    assert ran.run["replay"] is None
    assert ran.cause == "log_of_zero"


def test_every_change_on_request(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + CLASSES, "--replay", "all")
    (replay,) = (line["replay"] for line in ran.lines[-8:] if "replay" in line)
    asked = {one["change"] for one in replay["tried"]} | set(replay["idle"])
    from gradcheck.proving import EXAMINATIONS
    from gradcheck.watch.changes import catalogue

    # without a suspect, or an onset before the failure, these have nothing to leave out
    left = set(catalogue.changes()) - asked - EXAMINATIONS
    assert left <= {"without_samples", "skip_onset"}
    assert replay["tried"][0]["change"] == "clamp_indices"


# ---- frameworks

ACCELERATE = """
from accelerate import Accelerator
accelerator = Accelerator(cpu=True)
data = TensorDataset(torch.randn(96, 4), torch.randn(96, 1))
data.tensors[1][50] = math.inf
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
model, opt, loader = accelerator.prepare(model, opt, DataLoader(data, batch_size=8))
for epoch in range(3):
    for x, y in loader:
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        accelerator.backward(loss)
        opt.step()
"""
COMPILED = """
model = torch.compile(nn.Linear(4, 1), backend="eager")
opt = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(30):
    x = torch.randn(8, 4)
    p = model(x).sigmoid() * (step != 20)
    loss = -p.log().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


def test_accelerate(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + ACCELERATE, "--replay")
    replay = ran.run["replay"]
    assert replay["reproduced"] is True
    assert replay["trials"][0]["change"] in ("without_samples", "mask_targets")


def test_a_compiled_model_does_not_hang(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, HEAD + COMPILED, "--replay")
    assert ran.code == 1
    assert ran.cause == "log_of_zero"
    assert ran.run["replay"] is None or ran.run["replay"]["reproduced"]


# ---- no trace

TRACES = """
import pathlib
model = nn.Linear(4, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.01)
log = open("kept_open.txt", "w")
for step in range(40):
    x = torch.randn(8, 4)
    loss = -(model(x).sigmoid() * (step != 25)).log().mean()
    opt.zero_grad()
    loss.backward()
    print(step)
    log.write(f"{step}\\n")
    pathlib.Path(f"step{step % 3}.txt").write_text(str(step))
    opt.step()
"""


def test_replays_leave_no_trace(zygote: Zygote, tmp_path: Path) -> None:
    def left(ran: Ran) -> dict[str, Any]:
        ours = ("report.json", "record", "err.txt", "train.py")
        return {
            str(file.relative_to(ran.folder)): file.read_text("utf-8")
            for file in sorted(ran.folder.rglob("*.txt"))
            if not str(file.relative_to(ran.folder)).startswith(ours)
        }

    with_them = zygote.watch(tmp_path / "with", HEAD + TRACES, "--replay")
    without = zygote.watch(tmp_path / "without", HEAD + TRACES, "--no-replay")
    assert with_them.run["replay"]["trials"]
    assert left(with_them) == left(without)
    assert with_them.out.split() == [str(step) for step in range(26)]
    assert not processes_in(tmp_path / "with")


def test_a_record_tells_the_same_replay_when_it_is_read_again(
    zygote: Zygote, tmp_path: Path
) -> None:
    from gradcheck import diagnosis

    ran = zygote.watch(tmp_path, HEAD + CLASSES, "--replay")
    (found,) = diagnosis.analyze(ran.record).runs
    assert found.run.replay is not None
    told = [one.change for one in found.run.replay.tried]
    assert told == [one["change"] for one in ran.run["replay"]["trials"]]
    assert found.diagnoses[0].cause == ran.cause


@pytest.mark.parametrize("name", ["f04_lightning_airfoil", "f05_hf_churn"])
def test_a_trainer_of_a_framework(zygote: Zygote, tmp_path: Path, name: str) -> None:
    source = (Path(__file__).parents[1] / "watched" / "scripts" / f"{name}.py").read_text("utf-8")
    ran = zygote.watch(tmp_path, source, "--replay")
    replay = ran.run["replay"]
    assert replay["method"] == "fork"
    assert replay["reproduced"] is True
    assert replay["bit_exact"] is True
    assert ran.run["verdict"] == "bad_data"
    assert replay["trials"][0]["change"] == "without_samples"
    assert replay["trials"][0]["healthy"] is True
