"""Where a recipe trains: its draws, whether it is repaired, and what it tells of the truth."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn

from tests.faults import tasks
from tests.faults.draw import Draw
from tests.faults.tasks import Task

OPTIMIZERS = ("sgd", "momentum", "adam", "adamw")


@dataclass
class Entrance:
    """When a fault first touches a step, through which samples, and whether at one blow."""

    step: int
    samples: tuple[int, ...] = ()
    abrupt: bool = True
    """Abrupt: the row of that step is the first bad one. Else trouble builds up from there."""


@dataclass
class Lab:
    """One training of one recipe; the repaired twin gets the same draws in the same order."""

    draw: Draw
    repaired: bool = False
    entrance: Entrance | None = None
    settings: dict[str, object] = field(default_factory=dict)
    """Hyperparameters that a log may carry: learning_rate, optimizer, batch_size, ..."""
    judged: bool = True
    """Whether a draw that does not show its fault is refused: `watch` runs steps again without."""

    def __post_init__(self) -> None:
        torch.manual_seed(self.draw.integer(0, 2**31))
        self.steps = round(self.draw.log_uniform(160, 600))
        self.batch_size = self.draw.one_of(16, 32, 32, 64)
        self.shuffle = self.draw.maybe(0.7)
        self.settings["batch_size"] = self.batch_size

    def enter(self, step: int, samples: tuple[int, ...] = (), *, abrupt: bool = True) -> None:
        """Tell where the fault enters; only the first call counts."""
        if self.entrance is None:
            self.entrance = Entrance(step, samples, abrupt)

    def middle(self, low: float = 0.3, high: float = 0.8) -> int:
        """A step somewhere in the middle of the run."""
        return round(self.steps * self.draw.uniform(low, high))

    def task(self, *names: str) -> Task:
        """One of the named tasks (of all, if none is named), freshly initialised."""
        chosen = self.draw.one_of(*(names or tuple(tasks.TASKS)))
        task = tasks.TASKS[chosen](self.draw)
        self.settings["model"] = chosen
        return task

    def optimizer(
        self, task: Task, *kinds: str, factor: float = 1.0, weight_decay: float = 0.0
    ) -> torch.optim.Optimizer:
        """One of the named kinds, at `factor` times a learning rate that is sound for the task."""
        kind = self.draw.one_of(*(kinds or OPTIMIZERS))
        rate = task.rates[kind] * factor
        return self.optimizer_of(task.model, kind, rate, weight_decay)

    def optimizer_of(
        self, model: nn.Module, kind: str, rate: float, weight_decay: float = 0.0
    ) -> torch.optim.Optimizer:
        """An optimizer of one of OPTIMIZERS at exactly this rate."""
        self.settings |= {"optimizer": kind, "learning_rate": rate, "weight_decay": weight_decay}
        parameters = [p for p in model.parameters() if p.requires_grad]
        if kind == "adam":
            return torch.optim.Adam(parameters, rate, weight_decay=weight_decay)
        if kind == "adamw":
            return torch.optim.AdamW(parameters, rate, weight_decay=weight_decay)
        momentum = 0.9 if kind == "momentum" else 0.0
        return torch.optim.SGD(parameters, rate, momentum, weight_decay=weight_decay)

    def batches(
        self, size: int, steps: int | None = None
    ) -> Iterator[tuple[int, float, torch.Tensor]]:
        """Step, epoch as a fraction, and the sample indices of each batch; the last is dropped."""
        per_epoch = size // self.batch_size
        order = torch.arange(size)
        # an order of its own: what the model draws does not change which samples come
        shuffling = torch.Generator().manual_seed(self.draw.integer(0, 2**31))
        for step in range(steps or self.steps):
            place = step % per_epoch
            if place == 0 and self.shuffle:
                order = torch.randperm(size, generator=shuffling)
            at = place * self.batch_size
            yield step, step / per_epoch, order[at : at + self.batch_size]
