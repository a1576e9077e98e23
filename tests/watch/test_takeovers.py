"""Optimizers that go on from a state that a checkpoint damaged."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer

from gradcheck.watch.takeovers import SOON, Takeovers
from tests.watch.changes.acting import new_probe

Make = Callable[[list[nn.Parameter]], Optimizer]

MAKERS: dict[str, Make] = {
    "Adam": lambda p: torch.optim.Adam(p, 1e-3),
    "AdamW, amsgrad": lambda p: torch.optim.AdamW(p, 1e-3, amsgrad=True),
    "NAdam": lambda p: torch.optim.NAdam(p, 1e-3),
}
OTHERS: dict[str, Make] = {
    "SGD": lambda p: torch.optim.SGD(p, 1e-3, momentum=0.9),
    "RMSprop": lambda p: torch.optim.RMSprop(p, 1e-3),
    "Adagrad": lambda p: torch.optim.Adagrad(p, 1e-3),
}


def resumed(make: Make, size: float = 1e-4, steps: int = 5) -> tuple[nn.Module, Optimizer]:
    """A model and an optimizer with the state of some steps along gradients of this size."""
    model = nn.Linear(20, 20)
    optimizer = make(list(model.parameters()))
    for _ in range(steps):
        for p in model.parameters():
            p.grad = size * torch.randn_like(p)
        optimizer.step()
    return model, optimizer


def in_half(optimizer: Optimizer) -> None:
    """Its state as a checkpoint in float16 gives it back."""
    for state in optimizer.state.values():
        for name, held in state.items():
            if isinstance(held, Tensor) and held.dim():
                state[name] = held.half().float()


def told(model: nn.Module, optimizer: Optimizer, onset: int = 0) -> list[str]:
    probe = new_probe(model, optimizer)
    (followed,) = probe.optimizers
    takeovers = Takeovers()
    takeovers.begins(optimizer, followed)
    return [seen.key for seen in takeovers.damaged(onset)]


@pytest.mark.parametrize("name", MAKERS)
def test_second_moments_that_half_precision_lost(name: str) -> None:
    model, optimizer = resumed(MAKERS[name])
    in_half(optimizer)
    assert told(model, optimizer) == ["moments_lost"]
    assert told(model, optimizer, onset=SOON) == ["moments_lost"]
    assert not told(model, optimizer, onset=SOON + 1)


@pytest.mark.parametrize("name", MAKERS | OTHERS)
def test_a_sound_state(name: str) -> None:
    make = (MAKERS | OTHERS)[name]
    assert not told(*resumed(make))
    assert not told(*resumed(make, steps=0))
    assert not told(*resumed(make, size=1e-27)), "their squares are 0 in float32 as well"
    model, optimizer = resumed(make, size=3.0)
    in_half(optimizer)
    assert not told(model, optimizer)
