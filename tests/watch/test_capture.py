"""A capture holds all that a failing step depends on, and another run begins with it."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest

from tests.watch.running import Ran, Zygote

LOADED = """
import random
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
inputs = torch.randn(160, 4)
inputs[77] = BAD
data = TensorDataset(inputs, torch.randn(160, 1))
model = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.05, total_steps=90)
loader = DataLoader(data, batch_size=8, shuffle=True, num_workers=WORKERS)
for epoch in range(4):
    for x, y in loader:
        if epoch == 0 and not RESUMED and bool((x == inputs[77]).all(1).any() | x.isnan().any()):
            x = torch.zeros_like(x)
        out = model(x + 0.1 * torch.randn_like(x) + 0.01 * random.random() * np.random.rand())
        loss = F.mse_loss(out, y)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9)
        print(f"rate {optimizer.param_groups[0]['lr']!r} loss {loss.item().hex()}", end=" ")
        print(f"weights {model[0].weight.sum().item().hex()} norm {norm.item().hex()}", end=" ")
        print(f"mean {model[1].running_mean.sum().item().hex()}", flush=True)
        optimizer.step()
        scheduler.step()
"""
SCALED = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
inputs = torch.randn(160, 4)
inputs[77] = 1e30
data = TensorDataset(inputs, torch.randn(160, 1))
model = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)
epoch = 0
for epoch in range(4):
    for x, y in DataLoader(data, batch_size=8, shuffle=True):
        if epoch == 0 and x.abs().max() > 1e9 and not RESUMED:
            x = x.clamp(-1, 1)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model(x)
        loss = (out.float() - y).pow(2).mean()
        optimizer.zero_grad()
        scaled = scaler.scale(loss)
        scaled.backward()
        norm = model[0].weight.grad.norm().item()
        print(f"scale {(scaled / loss).item()} loss {loss.item().hex()} norm {norm.hex()}", flush=True)
        optimizer.step() if STEPS else scaler.step(optimizer)
        scaler.update()
"""
BY_HAND = """
import torch
from torch import nn
torch.manual_seed(SEED)
x = torch.linspace(-2, 2, 400).reshape(100, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 1.02)
late = torch.randn(3)
for step in range(400):
    at = torch.randint(0, 100, (8,))
    out = model(x[at])
    loss = (out - y[at]).pow(2).mean() + (4.0 + out.min()).log() * 0.1
    optimizer.zero_grad()
    loss.backward()
    print(f"drawn {at.tolist()} loss {loss.item().hex()} "
          f"norm {model[0].weight.grad.norm().item().hex()} rate {scheduler.get_last_lr()}", flush=True)
    optimizer.step()
    scheduler.step()
"""
CRASHING = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
torch.manual_seed(SEED)
labels = torch.randint(0, 5, (120,))
labels[45] = 7
data = [{"x": torch.randn(6), "label": labels[i], "name": f"n{i}"} for i in range(120)]
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 5))
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)
for epoch in range(2):
    for batch in DataLoader(data, batch_size=10, shuffle=True):
        print(batch["name"], model[0].weight.sum().item().hex(), flush=True)
        loss = F.cross_entropy(model(batch["x"]), batch["label"])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


def capture(zygote: Zygote, folder: Path, source: str) -> Ran:
    ran = zygote.watch(folder, source, "--capture=saved", "--no-replay")
    assert "the failing step is in saved; to go straight to it" in ran.err, ran.err
    return ran


def resume(zygote: Zygote, folder: Path, source: str, *options: str) -> Ran:
    (folder / "again").mkdir()
    return zygote.watch(folder / "again", source, "--from", str(folder / "saved"), *options)


def description(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "saved" / "capture.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def first_bad_row(ran: Ran) -> tuple[str, str]:
    """Loss and norm, exactly."""
    line = next(line for line in ran.out.splitlines() if re.search(r"(nan|inf)\b", line))
    return line, line.split("loss ")[1].split()[0]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("bad", ["float('nan')", "3e20"])
def test_a_script_with_a_loader_fails_again_at_once(
    zygote: Zygote, tmp_path: Path, workers: int, bad: str
) -> None:
    source = LOADED.replace("WORKERS", str(workers)).replace("BAD", bad)
    ran = capture(zygote, tmp_path, source.replace("RESUMED", "False"))
    again = resume(
        zygote, tmp_path, source.replace("RESUMED", "True").replace("seed(0)", "seed(9)")
    )
    assert ran.run["first_bad_step"] > 20, "the failure is not in the first epoch"
    assert again.out.splitlines()[0] == ran.out.splitlines()[-1], (
        "bit for bit, buffers and rate too"
    )
    assert len(again.out.splitlines()) == 1
    assert again.code == ran.code == 1
    assert (again.cause, again.run["verdict"]) == (ran.cause, ran.run["verdict"])
    assert again.where["samples"] == ran.where["samples"] == [77]
    assert again.run["first_bad_step"] == 0
    assert again.run["replay"]["reproduced"] and again.run["replay"]["bit_exact"]
    assert f"began at step {ran.run['first_bad_step']} of another" in again.notes
    assert description(tmp_path)["random"] == "before the forward pass"
    assert not description(tmp_path)["left_out"]
    assert sorted(entry.name for entry in tmp_path.iterdir() if "capture" in entry.name) == []


def test_a_loss_scaler_goes_on_with_its_scale(zygote: Zygote, tmp_path: Path) -> None:
    """Its state is found before it has taken a step."""
    source = SCALED.replace("STEPS", "x.abs().max() > 1e9")
    ran = capture(zygote, tmp_path, source.replace("RESUMED", "False"))
    again = resume(
        zygote, tmp_path, source.replace("RESUMED", "True").replace("seed(0)", "seed(5)")
    )
    assert again.out.splitlines()[0] == ran.out.splitlines()[-1]
    assert "scale 1024.0" not in again.out.splitlines()[0], "it has grown"
    assert again.cause == ran.cause


def test_a_loop_by_hand_draws_what_it_drew(zygote: Zygote, tmp_path: Path) -> None:
    """It takes one step of its own first; the random state is that of the end of a step."""
    ran = capture(zygote, tmp_path, BY_HAND.replace("SEED", "0"))
    assert ran.run["first_bad_step"] > 2
    again = resume(zygote, tmp_path, BY_HAND.replace("SEED", "1"))
    lines = again.out.splitlines()
    assert lines[1] == ran.out.splitlines()[-1]
    assert len(lines) == 2
    assert again.run["first_bad_step"] == 0
    assert again.cause == ran.cause
    assert again.run["replay"]["reproduced"]
    assert "a step of its own, which is not recorded" in again.notes
    assert description(tmp_path)["moment"] == "step"


def test_a_loop_that_fails_in_its_first_step(zygote: Zygote, tmp_path: Path) -> None:
    source = BY_HAND.replace("4.0 + out.min()", "late.min() - 10")
    ran = capture(zygote, tmp_path, source.replace("SEED", "0"))
    again = resume(zygote, tmp_path, source.replace("SEED", "1"))
    assert again.out == ran.out
    assert len(again.out.splitlines()) == 1
    assert description(tmp_path)["moment"] == "made"


def test_a_crash_comes_back_with_its_batch(zygote: Zygote, tmp_path: Path) -> None:
    ran = capture(zygote, tmp_path, CRASHING.replace("SEED", "0"))
    again = resume(zygote, tmp_path, CRASHING.replace("SEED", "3"))
    assert again.out.splitlines() == ran.out.splitlines()[-1:]
    assert again.code == ran.code == 1
    assert again.cause == ran.cause == "target_out_of_range"
    assert again.where.get("samples") == ran.where.get("samples")
    assert "Target 7 is out of bounds" in str(description(tmp_path)["failure"])
    assert "n45" in again.out


def test_the_capture_lies_in_the_record_where_no_place_is_named(
    zygote: Zygote, tmp_path: Path
) -> None:
    ran = zygote.watch(tmp_path, CRASHING.replace("SEED", "0"), "--capture", "--no-replay")
    assert sorted(file.name for file in (ran.record / "capture").iterdir()) == [
        "capture.json", "tensors.safetensors",
    ]  # fmt: skip
    assert ran.cause == "target_out_of_range", "a record with a capture in it is read as before"
    assert not ran.run["notes"] or all("capture.json" not in note for note in ran.run["notes"])


def test_nothing_to_capture_is_said(zygote: Zygote, tmp_path: Path) -> None:
    source = CRASHING.replace("labels[45] = 7", "").replace("SEED", "0")
    ran = zygote.watch(tmp_path, source, "--capture=saved", "--no-replay")
    assert "nothing was captured" in ran.err
    assert not (tmp_path / "saved").exists()
    assert math.isfinite(float(ran.code))
