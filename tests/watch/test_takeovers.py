"""Optimizers that go on from a damaged state, or begin with another model."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer

from gradcheck.watch.followed import Step
from gradcheck.watch.names import Registry
from gradcheck.watch.optimizers import Optimizers
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


class Training:
    """Optimizers one after the other, and the steps that they have taken."""

    def __init__(self) -> None:
        self.optimizers, self.takeovers = Optimizers(Registry()), Takeovers()
        self.living: list[Optimizer] = []

    def goes_on(self, optimizer: Optimizer, steps: int) -> None:
        """Let one take some steps, its first among them or not."""
        new = self.optimizers.get(optimizer) is None
        followed = self.optimizers.follow(optimizer)
        if new:
            self.living.append(optimizer)
            self.takeovers.begins(optimizer, followed)
        for _ in range(steps):
            self.optimizers.remember(
                followed, Step(followed.place, followed.steps, 1.0, 1.0, (), 0.1)
            )

    def others(self) -> list[int | None]:
        """The steps at which the training of another model is told to begin."""
        return [seen.step for seen in self.takeovers.other_models()]


def sgd(*widths: int) -> Optimizer:
    models = [nn.Linear(width, 1) for width in widths]
    return torch.optim.SGD([p for model in models for p in model.parameters()], 0.1)


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "gone"])
def test_another_model_is_trained(*, kept: bool) -> None:
    training = Training()
    training.goes_on(sgd(3), 50)
    if not kept:
        training.living.clear()
    training.goes_on(sgd(5), 60)
    assert training.others() == [50]


def test_no_other_model() -> None:
    model = nn.Linear(3, 1)
    head, whole = (torch.optim.SGD(p, 0.1) for p in ([model.bias], list(model.parameters())))
    cases: dict[str, list[tuple[Optimizer, int]]] = {
        "one training": [(sgd(3), 100)],
        "a head first, and then all": [(head, 50), (whole, 50)],
        "the same again": [(sgd(3), 50), (sgd(3), 50)],
        "soon after the first": [(sgd(3), 5), (sgd(5), 50)],
        "many, a habit": [(sgd(width), 30) for width in range(2, 9)],
    }
    for words, trainings in cases.items():
        training = Training()
        for optimizer, steps in trainings:
            training.goes_on(optimizer, steps)
        assert training.others() == [], words


def test_a_model_is_new_where_its_optimizer_begins_however_many_there_were() -> None:
    training = Training()
    for width in range(2, 9):
        training.goes_on(sgd(width), 30)
    near = [step for step in range(211) if training.takeovers.begins_near(step)]
    assert near == [30, 60, 90, 120, 150, 180]


def test_two_that_take_turns_are_one_training() -> None:
    training, critic, actor = Training(), sgd(3), sgd(5)
    training.goes_on(critic, 50)
    for _ in range(30):
        training.goes_on(actor, 1)
        training.goes_on(critic, 1)
    assert training.others() == []


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
