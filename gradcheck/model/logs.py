"""What a log holds: a run, its series of points, and what it says in words."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gradcheck.model.inside import Observation, Replay

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Role(str, enum.Enum):
    """What a series means, whatever its framework calls it."""

    LOSS = "loss"
    VALIDATION_LOSS = "validation_loss"
    GRAD_NORM = "grad_norm"
    CLIPPED_GRAD_NORM = "clipped_grad_norm"
    LAYER_GRAD_NORM = "layer_grad_norm"
    LEARNING_RATE = "learning_rate"
    LOSS_SCALE = "loss_scale"
    WEIGHT_NORM = "weight_norm"
    SKIPPED_STEPS = "skipped_steps"
    NAN_STEPS = "nan_steps"
    CLIP_FRACTION = "clip_fraction"
    ACCURACY = "accuracy"
    EPOCH = "epoch"
    OTHER = "other"


class Objective(str, enum.Enum):
    """How a loss is expected to behave: only a minimised one must fall."""

    MINIMISED = "minimised"
    COMPONENT = "component"  # a part of a logged total, which may rise while the total falls
    ADVERSARIAL = "adversarial"
    REINFORCEMENT = "reinforcement"


class Said(str, enum.Enum):
    """What a log says in words rather than in numbers."""

    NONFINITE = "nonfinite"  # a framework met NaN or infinity and says so
    INDEX_OUT_OF_RANGE = "index_out_of_range"
    DEVICE_ASSERT = "device_assert"
    OUT_OF_MEMORY = "out_of_memory"
    COMMUNICATION = "communication"  # processes lost one another
    KILLED = "killed"
    EXCEPTION = "exception"  # any other that ended the program
    RESUMED = "resumed"  # no fault: from here on another process goes on, from a checkpoint


@dataclass(frozen=True)
class Message:
    """A line of a text log that tells of a fault."""

    said: Said
    order: int
    """Its line, the first being 1: comparable with the `order` of the run's points."""
    text: str


@dataclass(frozen=True)
class Lost:
    """Bytes of a file that damage made unreadable."""

    file: str
    first: int
    stop: int
    """The first byte that could be read again."""


@dataclass(frozen=True, eq=False)
class Series:
    """One named sequence of points, as columns in the order in which they were written."""

    name: str
    order: IntArray
    """Position of each point in the log: its line in a text file, its record in event files."""
    step: IntArray
    value: FloatArray
    wall: FloatArray | None = None
    """Wall-clock time in seconds since 1970, where the format keeps it."""
    role: Role = Role.OTHER
    objective: Objective = Objective.MINIMISED

    def __len__(self) -> int:
        return len(self.value)

    @cached_property
    def ascends(self) -> bool:
        """Whether neither order nor step ever goes back, so that rows are found by bisection."""
        return all(bool((column[1:] >= column[:-1]).all()) for column in (self.order, self.step))

    def frame(self) -> pd.DataFrame:
        """The points as a pandas frame with the columns step, value and (if known) wall_time."""
        import pandas as pd  # noqa: PLC0415 - heavy, and only Python callers need it

        columns = {"step": self.step, "value": self.value, "wall_time": self.wall}
        return pd.DataFrame({k: v for k, v in columns.items() if v is not None})


@dataclass(frozen=True, eq=False)
class Run:
    """The logs of one training run."""

    path: Path
    format: str
    series: tuple[Series, ...]
    framework: str | None = None
    hparams: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unit: str = "step"
    """What a step of this log counts: "step" or "epoch"."""
    messages: tuple[Message, ...] = ()
    by_line: bool = False
    """Whether `order` counts the lines of one file, so that a reader can look there."""
    lost: tuple[Lost, ...] = ()
    resumed_at: tuple[int, ...] = ()
    """The orders at which the log goes on in another file: the run was started again there."""
    observations: tuple[Observation, ...] = ()
    """What was seen from inside, where `gradcheck watch` wrote the log."""
    replay: Replay | None = None
    """What it proved by running the failing steps again."""
    primary: Mapping[Role, str] = field(default_factory=dict)
    """The series that stands for its role where several have it."""

    @property
    def points(self) -> int:
        """How many points all series hold together."""
        return sum(map(len, self.series))

    @property
    def first_step(self) -> int | None:
        """The lowest step of any series."""
        return min((int(s.step.min()) for s in self.series if len(s)), default=None)

    @property
    def last_step(self) -> int | None:
        """The highest step of any series."""
        return max((int(s.step.max()) for s in self.series if len(s)), default=None)

    def get(self, role: Role) -> Series | None:
        """The primary series of a role, or None where the run has none."""
        name = self.primary.get(role)
        return next((s for s in self.series if s.name == name and s.role is role), None)

    def every(self, role: Role) -> list[Series]:
        """All series of a role."""
        return [series for series in self.series if series.role is role]

    def frames(self) -> dict[str, pd.DataFrame]:
        """All series as pandas frames, by name."""
        return {series.name: series.frame() for series in self.series}
