"""Mistakes of a training loop, and loops that only look like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.watch.running import Zygote

SCRIPT = """
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
x, y = torch.randn(8, 4), torch.randn(8, 1)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)


def loss_of():
    return F.mse_loss(model(x), y)


def clip():
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)


def clear():
    optimizer.zero_grad()


for step in range(12):
"""
ACCUMULATED = """
for micro in range(4):
    {loss}.backward()
optimizer.step()
clear()
"""
MISTAKES = {
    "gradients_kept": "loss_of().backward()\noptimizer.step()",
    "clipped_too_late": "clear()\nloss_of().backward()\noptimizer.step()\nclip()",
    "clipped_too_early": "clear()\nclip()\nloss_of().backward()\noptimizer.step()",
    "accumulated_undivided": ACCUMULATED.format(loss="loss_of()"),
    "clipped_while_scaled": (
        "clear()\nscaler.scale(loss_of()).backward()\nclip()\nscaler.step(optimizer)\n"
        "scaler.update()"
    ),
    "update_climbs": "optimizer.param_groups[0]['lr'] = -1e-4\nclear()\nloss_of().backward()\n"
    "optimizer.step()",
    "parameters_left_out": "if not step:\n"
    "    optimizer = torch.optim.SGD(model[2].parameters(), lr=1e-3)\n"
    "clear()\nmodel.zero_grad()\nloss_of().backward()\noptimizer.step()",
}
SOUND = {
    "plain": "clear()\nloss_of().backward()\nclip()\noptimizer.step()",
    "cleared_at_the_end": "loss_of().backward()\nclip()\noptimizer.step()\nclear()",
    "cleared_in_between": "loss = loss_of()\nclear()\nloss.backward()\noptimizer.step()",
    "cleared_by_the_model": "model.zero_grad()\nloss_of().backward()\noptimizer.step()",
    "cleared_to_zero": "optimizer.zero_grad(set_to_none=False)\nloss_of().backward()\n"
    "optimizer.step()",
    "cleared_by_hand": "for p in model.parameters():\n    p.grad = None\n"
    "loss_of().backward()\noptimizer.step()",
    "divided": ACCUMULATED.format(loss="(loss_of() / 4)"),
    "multiplied": ACCUMULATED.format(loss="(0.25 * loss_of())"),
    "two_losses": "clear()\nloss_of().backward()\n(2 * loss_of()).backward()\noptimizer.step()",
    "unscaled_before": "clear()\nscaler.scale(loss_of()).backward()\nscaler.unscale_(optimizer)\n"
    "clip()\nscaler.step(optimizer)\nscaler.update()",
    "divided_and_scaled": "for micro in range(4):\n    scaler.scale(loss_of() / 4).backward()\n"
    "scaler.step(optimizer)\nscaler.update()\nclear()",
    "evaluated_in_between": "clear()\nloss_of().backward()\noptimizer.step()\nclear()\n"
    "model(torch.randn(4, 4, requires_grad=True)).sum().backward()",
}


def script(body: str) -> str:
    return SCRIPT + "\n".join(f"    {line}" for line in body.strip().splitlines()) + "\n"


@pytest.mark.parametrize("key", MISTAKES)
def test_a_mistake(zygote: Zygote, tmp_path: Path, key: str) -> None:
    ran = zygote.watch(tmp_path, script(MISTAKES[key]))
    assert key in ran.keys, (ran.observations, ran.err)
    assert not ran.held


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_loop(zygote: Zygote, tmp_path: Path, name: str) -> None:
    ran = zygote.watch(tmp_path, script(SOUND[name]))
    assert ran.code == 0, ran.err
    assert ran.keys == []
