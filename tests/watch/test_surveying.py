"""What a finite failure shows inside: sizes at the start, at the onset, and updates between."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.watch.running import Zygote

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
"""
LEARNED = """
X = torch.randn(320, 8)
Y = X[:, :1] - 0.5 * X[:, 1:2]
"""
MODEL = """
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
"""
LOOP = """
for epoch in range(4):
    for x, y in DataLoader(TensorDataset(X, Y), batch_size=16):
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
"""
SGD = "opt = torch.optim.SGD(model.parameters(), lr={rate})\n"

FOUND = {
    "a rate that is too high": (
        HEAD + LEARNED + MODEL + SGD.format(rate=3.0) + LOOP,
        "update_too_long",
        "learning_rate_too_high",
    ),
    "raw units": (
        HEAD + LEARNED + "X = X * 3000 + 500\n" + MODEL + SGD.format(rate=0.01) + LOOP,
        "inputs_far_from_unit",
        "unscaled_features",
    ),
    "weights of unit variance": (
        HEAD
        + LEARNED
        + "model = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),\n"
        + "                      nn.Linear(128, 1))\n"
        + "for p in model.parameters():\n    nn.init.normal_(p)\n"
        + SGD.format(rate=0.01)
        + LOOP,
        "activations_grow_with_depth",
        "poor_initialization",
    ),
    "one reading in other units": (
        HEAD + LEARNED + "X[157] *= 1e5\n" + MODEL + SGD.format(rate=0.02) + LOOP,
        "batch_stands_out",
        "outlier_batch",
    ),
    "gradients never cleared": (
        HEAD
        + LEARNED
        + MODEL
        + SGD.format(rate=0.02)
        + LOOP.replace("        opt.zero_grad()\n", "")
        + LOOP.replace("        opt.zero_grad()\n", ""),
        "gradients_kept",
        "missing_zero_grad",
    ),
    "masks as they come from a PNG": (
        HEAD
        + LEARNED
        + "Y = (Y > 0).float() * 255\n"
        + MODEL
        + "opt = torch.optim.Adam(model.parameters(), lr=0.02)\n"
        + LOOP.replace("F.mse_loss", "F.binary_cross_entropy_with_logits"),
        "probability_outside_range",
        "target_out_of_range",
    ),
}
INNOCENT = {
    "sound": HEAD + LEARNED + MODEL + SGD.format(rate=0.02) + LOOP,
    "pixels behind a normalisation": HEAD
    + LEARNED
    + "X = (X - X.min()) * 30\n"
    + "model = nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))\n"
    + SGD.format(rate=0.02)
    + LOOP,
    "token ids": HEAD
    + "X = torch.randint(0, 900, (320, 6))\nY = (X.float().mean(1, keepdim=True) / 450) - 1\n"
    + "model = nn.Sequential(nn.Embedding(900, 8), nn.Flatten(), nn.Linear(48, 1))\n"
    + "opt = torch.optim.Adam(model.parameters(), lr=1e-2)\n"
    + LOOP,
}


@pytest.mark.parametrize("name", FOUND)
def test_found(zygote: Zygote, tmp_path: Path, name: str) -> None:
    source, key, cause = FOUND[name]
    ran = zygote.watch(tmp_path, source)
    assert key in ran.keys
    assert ran.cause == cause
    assert ran.code == 1


@pytest.mark.parametrize("name", INNOCENT)
def test_nothing_is_made_of_it(zygote: Zygote, tmp_path: Path, name: str) -> None:
    ran = zygote.watch(tmp_path, INNOCENT[name])
    assert (ran.code, ran.run["verdict"], ran.keys) == (0, "healthy", [])


def test_the_sample_that_stands_out_is_named(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, FOUND["one reading in other units"][0])
    assert ran.where["samples"] == [157]
    assert ran.run["first_bad_step"] == 157 // 16


def test_weights_that_something_else_wrote_to(zygote: Zygote, tmp_path: Path) -> None:
    flip = "        if len(seen) == 45:\n            model[0].weight.data[3, 2] = 1e18\n"
    loop = LOOP.replace("        loss =", f"        seen.append(0)\n{flip}        loss =")
    source = HEAD + LEARNED + MODEL + SGD.format(rate=0.02) + "seen = []\n" + loop
    ran = zygote.watch(tmp_path, source)
    assert "weights_written_outside" in ran.keys
    assert ran.where["phase"] == "state"
    assert ran.where["module"] == "0.weight"


def test_statistics_that_a_skipped_batch_poisoned(zygote: Zygote, tmp_path: Path) -> None:
    model = "model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 1))\n"
    guarded = LOOP.replace(
        "        opt.zero_grad()\n",
        "        if not loss.isfinite(): continue\n        opt.zero_grad()\n",
    )
    source = HEAD + LEARNED + "X[99, 2] = float('inf')\n" + model + SGD.format(rate=0.02) + guarded
    ran = zygote.watch(tmp_path, source)
    assert ran.cause == "poisoned_buffers"
    assert not ran.held
