"""The nouns of gradcheck: what a run is, what happened in it, why, and what to change."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

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


class Severity(str, enum.Enum):
    """How much an event matters; ordered by `rank`."""

    WARNING = "warning"
    SPIKE = "spike"
    FAILURE = "failure"

    @property
    def rank(self) -> int:
        """Position in the order of gravity, 0 the mildest."""
        return list(Severity).index(self)


class Family(str, enum.Enum):
    """The families of causes, which are also the verdicts that name one."""

    EXPLODING_GRADIENTS = "exploding_gradients"
    BAD_DATA = "bad_data"
    UNSTABLE_LOSS = "unstable_loss"
    CORRUPTED_STATE = "corrupted_state"
    STALLED_TRAINING = "stalled_training"


INCONCLUSIVE = "inconclusive"
HEALTHY = "healthy"


class Kind(str, enum.Enum):
    """The kinds of event of the report's contract."""

    NONFINITE_LOSS = "nonfinite_loss"
    NONFINITE_GRADIENT = "nonfinite_gradient"
    NONFINITE_WEIGHTS = "nonfinite_weights"
    DIVERGENCE = "divergence"
    LOSS_SPIKE = "loss_spike"
    GRADIENT_SPIKE = "gradient_spike"
    MASKED_NONFINITE = "masked_nonfinite"
    LOSS_SCALE_COLLAPSE = "loss_scale_collapse"
    PLATEAU = "plateau"
    VANISHING_GRADIENT = "vanishing_gradient"
    DEAD_UNITS = "dead_units"
    LEARNING_RATE_JUMP = "learning_rate_jump"
    STEP_REWIND = "step_rewind"
    CRASH = "crash"


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
    resumed_at: tuple[int, ...] = ()
    """The orders at which the log goes on in another file: the run was started again there."""
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


@dataclass(frozen=True)
class Event:
    """Something that happened in a series, from `step` to `last_step`."""

    kind: Kind
    severity: Severity
    series: str | None
    step: int | None
    last_step: int | None
    recovered: bool
    order: int = 0
    """Where it began, in the run's own order of points."""
    value: float | None = None


@dataclass(frozen=True)
class Evidence:
    """One checkable sentence, with the window of steps in which to check it."""

    statement: str
    series: str | None = None
    first_step: int | None = None
    last_step: int | None = None


@dataclass(frozen=True)
class Trial:
    """What a replay with one remedy applied showed."""

    outcome: str
    steps: int
    returned_at_step: int | None = None
    final_loss: float | None = None


@dataclass(frozen=True)
class Remedy:
    """One change to make."""

    action: str
    snippet: str | None = None
    framework: str | None = None
    source: str | None = None
    trial: Trial | None = None


@dataclass(frozen=True)
class Where:
    """The place of a fault inside the script, as far as it is known."""

    phase: str
    module: str | None = None
    op: str | None = None
    file: str | None = None
    line: int | None = None
    samples: tuple[int, ...] | None = None
    rank: int | None = None


@dataclass(frozen=True)
class Rejection:
    """A rival cause, and the sentence that speaks against it."""

    cause: str
    because: str


@dataclass(frozen=True)
class Diagnosis:
    """A cause that may explain the events, with its probability."""

    family: Family
    cause: str
    confidence: float
    step: int | None
    summary: str
    evidence: tuple[Evidence, ...]
    ruled_out: tuple[Rejection, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    where: Where | None = None


@dataclass(frozen=True)
class Missing:
    """A series that the log lacks and that would separate the families still in question."""

    role: str  # or what no tracker logs by itself, such as `batch_statistics`
    would_separate: tuple[Family, ...]
    how: str


@dataclass(frozen=True)
class RunReport:
    """All that is said about one run."""

    run: Run
    verdict: str
    confidence: float
    first_bad_step: int | None
    events: tuple[Event, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    missing: tuple[Missing, ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def severity(self) -> Severity | None:
        """The gravest severity among the events, None where there are none."""
        return max((e.severity for e in self.events), key=lambda s: s.rank, default=None)


@dataclass(frozen=True)
class Unread:
    """A path that could not be judged: what it is, why, and what to try."""

    path: Path
    reason: str
    broken: bool = False  # reading failed; else the file simply is not a training log


@dataclass(frozen=True)
class Report:
    """The result of one call: its runs, the worst first, and what could not be judged."""

    runs: tuple[RunReport, ...]
    unread: tuple[Unread, ...] = ()

    def at_least(self, severity: Severity) -> list[RunReport]:
        """The runs with an event at or above a severity."""
        return [r for r in self.runs if r.severity and r.severity.rank >= severity.rank]
