"""What is known of the optimizers, steps and batches of a watched script."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from gradcheck.watch.tensors import Extent

REMEMBERED = 128
"""Steps of which the norm of every parameter is kept."""

TRAIL = 5000
"""Steps of which loss and norm are kept exactly."""


@dataclass
class Batch:
    """What a DataLoader gave last."""

    indices: list[int] | None
    items: list[tuple[str, Tensor]]
    inputs: Extent | None = None
    targets: Extent | None = None


class Step(NamedTuple):  # made in every step: a frozen dataclass takes four times as long
    """One optimizer step, as it was before its update."""

    optimizer: int
    step: int
    loss: float | None
    norm: float
    layers: tuple[float, ...]
    rate: float
    skipped: bool = False
    unclipped: float | None = None
    """The norm before the script clipped it, where it did."""

    @property
    def gradient(self) -> float:
        """The norm before any clipping: what tells whether a gradient stands out."""
        return self.norm if self.unclipped is None else self.unclipped

    @property
    def is_finite(self) -> bool:
        """Whether neither its gradient nor its loss is anything else."""
        return math.isfinite(self.norm) and self.loss_is_finite

    @property
    def loss_is_finite(self) -> bool:
        """Whether the loss is a number, or none is known."""
        return self.loss is None or math.isfinite(self.loss)


class Taken(NamedTuple):
    """What is kept of a step for long."""

    step: int
    loss: float | None
    norm: float
    """Of the gradient, before any clipping."""
    rate: float
    tick: int
    """The steps of all optimizers before it."""


@dataclass
class Followed:
    """What is known of one optimizer."""

    place: int
    """The lowest that no living optimizer had: a script's next optimizer takes over the first's."""
    parameters: list[Tensor]
    half: bool
    serial: int
    """Never given twice."""
    steps: int = 0
    retired: bool = False
    """Whether another one took over from it."""
    begun_at: int = field(init=False)
    """Its first step, not 0 where it took over from another optimizer."""
    loss_name: str | None = None
    clip_norm: float | None = None
    scaler: Any = None
    unscaled: bool = False
    prepared: Step | None = None
    """The step as it was measured just before its update."""
    took_step: bool = False
    skips: int = 0
    """Steps that its scaler skipped in a row."""
    norm: float = 0.0
    layers: list[float] = field(default_factory=list)
    measured: bool = False
    reached: bool = False
    """Whether any of its steps had a gradient."""
    withheld: bool = False
    told: bool = False
    """Whether the row of the step that is prepared was written already."""
    scalars: list[tuple[str, Tensor]] | None = None
    """Its learned single numbers and their names, once they were looked for."""
    history: deque[Step] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    trail: deque[Taken] = field(default_factory=lambda: deque(maxlen=TRAIL))
    """Many more steps."""

    def __post_init__(self) -> None:
        self.begun_at = self.steps
