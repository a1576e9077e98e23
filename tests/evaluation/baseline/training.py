"""The loop of the small trainings, into which a seed and a fault can be put."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

Batch = Callable[[nn.Module, Generator], Tensor]
"""Draws a batch and gives its loss."""
Optimizer = Callable[[nn.Module, float], torch.optim.Optimizer]
Row = tuple[int, float, float]
"""Step, loss, gradient norm before any clipping."""

FAULTS = ("rate", "spike", "clipping")
RATE, SPIKE = 3.0, 30.0
RECENT = 11
"""Steps whose median norm is what the spike is a multiple of."""


@dataclass(frozen=True)
class Script:
    """A training: what is learned from what, by which optimizer, and how often it logs."""

    name: str
    model: Callable[[], nn.Module]
    batch: Batch
    optimizer: Optimizer
    rate: float
    steps: int
    every: int = 1
    clip: float | None = None
    schedule: str = "constant"
    """constant, cosine (with warm-up), or drop (to a tenth after two thirds)."""


def train(script: Script, seed: int, fault: str | None = None) -> Iterator[Row]:
    """The rows that a run of the script logs, NaN where it broke.

    The data is the same for every seed: what differs is the start, the order and the noise.
    """
    torch.manual_seed(seed)
    generator = Generator().manual_seed(seed + 1)
    model = script.model()
    optimizer = script.optimizer(model, script.rate * (RATE if fault == "rate" else 1.0))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _schedule(script))
    clip = None if fault == "clipping" else script.clip
    struck = _struck(script, seed) if fault == "spike" else None
    parameters = list(model.parameters())
    recent: deque[float] = deque(maxlen=RECENT)
    for step in range(script.steps):
        loss = script.batch(model, generator)
        optimizer.zero_grad()
        loss.backward()
        if step == struck:
            _strike([p.grad for p in parameters if p.grad is not None], recent)
        norm = float(nn.utils.clip_grad_norm_(parameters, clip or math.inf))
        recent.append(norm)
        optimizer.step()
        schedule.step()
        if step % script.every == 0:
            yield step, float(loss.detach()), norm


def _strike(gradients: list[Tensor], recent: deque[float]) -> None:
    """Make the gradient so large that its norm is a multiple of what it was of late."""
    norm = float(torch.cat([g.flatten() for g in gradients]).norm())
    usual = sorted(recent)[len(recent) // 2]
    torch._foreach_mul_(gradients, SPIKE * usual / norm)


def _struck(script: Script, seed: int) -> int:
    """A logged step in the middle of the run: a spike that is not logged is not to be found."""
    rows = script.steps // script.every
    row = int(rows * (0.3 + 0.5 * torch.rand(1, generator=Generator().manual_seed(seed)).item()))
    return row * script.every


def _schedule(script: Script) -> Callable[[int], float]:
    warm = max(script.steps // 20, 1)
    shapes: dict[str, Callable[[int], float]] = {
        "constant": lambda step: 1.0,
        "cosine": lambda step: (
            min(1.0, (step + 1) / warm)
            * (0.05 + 0.475 * (1 + math.cos(math.pi * min(1.0, step / script.steps))))
        ),
        "drop": lambda step: 1.0 if step < script.steps * 2 / 3 else 0.1,
    }
    return shapes[script.schedule]
