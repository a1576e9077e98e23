"""A capture holds all that a failing step depends on, and another run begins with it."""

from __future__ import annotations

import json
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
inputs, targets = torch.randn(160, 4), torch.randn(160, 1)
targets[77] = 70.0
data = TensorDataset(inputs, targets)
model = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.2), nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=3)
for epoch in range(4):
    for x, y in DataLoader(data, batch_size=8, shuffle=True):
        if epoch == 0 and not RESUMED:
            y = y.clamp(-3, 3)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model(x)
        loss = (out.float() - y).pow(2).mean() + (40.0 - y.max()).log()
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        norm = model[0].weight.grad.norm().item()
        print(f"scale {scaler.get_scale()} loss {loss.item().hex()} norm {norm.hex()}", flush=True)
        scaler.step(optimizer)
        scaler.update()
"""
BY_HAND = """
import torch
from torch import nn
torch.manual_seed(SEED)
x = torch.linspace(-2, 2, 400).reshape(100, 4)
y = x.sum(1, keepdim=True)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 1.02)
late = torch.randn(3)
for step in range(400):
    at = torch.randint(0, 100, (8,))
    out = model(x[at])
    loss = (out - y[at]).pow(2).mean() + (4.0 + out.min()).log() * 0.1
    optimizer.zero_grad()
    loss.backward()
    norm = model[0].weight.grad.norm().item().hex()
    print(f"drawn {at.tolist()} loss {loss.item().hex()} norm {norm}", end=" ")
    print(f"rate {scheduler.get_last_lr()}", flush=True)
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
    replay = () if "--no-replay" in options else ("--replay",)
    return zygote.watch(
        folder / "again", source, "--from", str(folder / "saved"), *replay, *options
    )


def description(folder: Path) -> dict[str, object]:
    found = json.loads((folder / "saved" / "capture.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("bad", ["float('nan')", "float('inf')"])
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
    source = SCALED
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
    assert again.cause == ran.cause == "index_out_of_range"
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
    assert ran.cause == "index_out_of_range", "a record with a capture in it is read as before"
    assert not ran.run["notes"] or all("capture.json" not in note for note in ran.run["notes"])


def test_nothing_to_capture_is_said(zygote: Zygote, tmp_path: Path) -> None:
    source = CRASHING.replace("labels[45] = 7", "").replace("SEED", "0")
    ran = zygote.watch(tmp_path, source, "--capture=saved", "--no-replay")
    assert "nothing was captured" in ran.err
    assert not (tmp_path / "saved").exists()
    assert ran.code == 0


ACCELERATED = """
import torch
from accelerate import Accelerator
from torch import nn
from torch.utils.data import DataLoader
torch.manual_seed(0)
data = [{"x": torch.randn(4), "y": torch.randn(1)} for _ in range(96)]
data[50]["y"] *= float("nan")
accelerator = Accelerator(cpu=True)
model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
loader = DataLoader(data, batch_size=8, shuffle=True)
model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
for epoch in range(3):
    for batch in loader:
        if epoch == 0 and not RESUMED:
            batch["y"] = batch["y"].nan_to_num()
        loss = (model(batch["x"]) - batch["y"]).abs().mean()
        print(batch["x"].sum().item().hex(), model[0].weight.sum().item().hex(), loss.item(),
              torch.get_rng_state().sum().item(), flush=True)
        optimizer.zero_grad()
        accelerator.backward(loss)
        optimizer.step()
"""


def test_accelerate_which_asks_for_a_batch_ahead(zygote: Zygote, tmp_path: Path) -> None:
    ran = capture(zygote, tmp_path, ACCELERATED.replace("RESUMED", "False"))
    source = ACCELERATED.replace("RESUMED", "True").replace("seed(0)", "seed(5)")
    again = resume(zygote, tmp_path, source)
    assert again.out.splitlines() == ran.out.splitlines()[-1:]
    assert again.cause == ran.cause == "nonfinite_target"


LIGHTNING = """
import logging
import warnings
import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
class Model(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.3), nn.Linear(8, 1))
    def training_step(self, batch, at):
        x, y = batch
        if self.current_epoch == 0 and not RESUMED:
            y = y.nan_to_num()
        loss = (self.body(x) - y).abs().mean()
        print(x.sum().item().hex(), self.body[0].weight.sum().item().hex(), loss.item(),
              self.lr_schedulers().get_last_lr(), flush=True)
        return loss
    def validation_step(self, batch, at):
        self.log("checked", self.body(batch[0]).mean())
    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 50)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]
if __name__ == "__main__":
    L.seed_everything(SEED, verbose=False)
    x, y = torch.randn(96, 4), torch.randn(96, 1)
    y[50] = torch.nan
    trainer = L.Trainer(max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False,
                        enable_progress_bar=False, enable_model_summary=False)
    train = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
    trainer.fit(Model(), train, DataLoader(TensorDataset(x, x), batch_size=8))
"""


def test_lightning_with_a_validation_before_the_first_step(zygote: Zygote, tmp_path: Path) -> None:
    source = LIGHTNING.replace("SEED", "0").replace("RESUMED", "False")
    ran = capture(zygote, tmp_path, source)
    again = resume(zygote, tmp_path, LIGHTNING.replace("SEED", "4").replace("RESUMED", "True"))
    assert again.out.splitlines() == ran.out.splitlines()[-1:]
    assert again.cause == ran.cause == "nonfinite_target"


UNFORKED = """
from gradcheck.watch.replay import snapshot
snapshot.why_not = lambda growth: "not today"
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_where_the_run_cannot_be_forked_a_loader_is_enough(
    zygote: Zygote, tmp_path: Path, workers: int
) -> None:
    """The state at the hold is that before the step; the random state came with the batch."""
    source = LOADED.replace("WORKERS", str(workers)).replace("BAD", "float('nan')")
    options = ("--capture=saved", "--no-replay")
    ran = zygote.watch(tmp_path, source.replace("RESUMED", "False"), *options, prelude=UNFORKED)
    again = resume(
        zygote, tmp_path, source.replace("RESUMED", "True").replace("seed(0)", "seed(9)")
    )
    assert again.out.splitlines() == ran.out.splitlines()[-1:]
    assert description(tmp_path)["method"] == "in place"


def test_where_the_run_cannot_be_forked_a_loop_by_hand_says_what_is_lost(
    zygote: Zygote, tmp_path: Path
) -> None:
    ran = zygote.watch(tmp_path, BY_HAND.replace("SEED", "0"), "--capture=saved", prelude=UNFORKED)
    assert "the failing step is in saved" in ran.err
    assert description(tmp_path)["random"] == "after the forward pass"
    again = resume(zygote, tmp_path, BY_HAND.replace("SEED", "1"), "--no-replay")
    assert "its random state is the one after the forward pass" in again.notes
