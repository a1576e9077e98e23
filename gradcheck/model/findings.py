"""What is found in a log: events, the causes that explain them, and the remedies."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gradcheck.model.gating import Accepted, Compared, Comparison, Severity
from gradcheck.model.inside import Trial, Where
from gradcheck.model.logs import Run


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


NONFINITE = frozenset({Kind.NONFINITE_LOSS, Kind.NONFINITE_GRADIENT, Kind.MASKED_NONFINITE})
"""Events of numbers in the log that are not finite."""
STANDSTILL = frozenset({Kind.PLATEAU, Kind.VANISHING_GRADIENT, Kind.DEAD_UNITS})
"""Events of runs that do not learn."""


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
    text: str | None = None
    """What the log itself says of it."""
    ratio: float | None = None
    """A spike's peak over the level before it, where both are positive."""
    accepted: Accepted | None = None
    """Why it does not count for the gate, if it does not."""


@dataclass(frozen=True)
class Evidence:
    """One checkable sentence, with the window of steps in which to check it."""

    statement: str
    series: str | None = None
    first_step: int | None = None
    last_step: int | None = None


@dataclass(frozen=True)
class Remedy:
    """One change to make."""

    action: str
    snippet: str | None = None
    framework: str | None = None
    source: str | None = None
    trial: Trial | None = None
    change: str | None = None
    """The module of watch/changes that tries it in a replay, where there is one."""


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
    """Where it began; of a healthy run its first spike, None where it has none."""
    events: tuple[Event, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    missing: tuple[Missing, ...] = ()
    notes: tuple[str, ...] = ()
    comparison: Comparison | None = None
    """The run beside known good runs, where it was compared with any."""

    @cached_property
    def severity(self) -> Severity | None:
        """The gravest severity among the events, None where there are none."""
        return _gravest(e.severity for e in self.events)

    @cached_property
    def regressions(self) -> tuple[Compared, ...]:
        """What is worse than in the known good runs, beyond their noise."""
        return self.comparison.regressions if self.comparison else ()

    @cached_property
    def findings(self) -> tuple[Event | Compared, ...]:
        """All that a gate may fail on: the events and the regressions."""
        return (*self.events, *self.regressions)

    @cached_property
    def open_severity(self) -> Severity | None:
        """The gravest severity among the findings that nobody accepted: what a gate goes by."""
        return _gravest(f.severity for f in self.findings if f.accepted is None)


def _gravest(severities: Iterable[Severity | None]) -> Severity | None:
    known = (severity for severity in severities if severity is not None)
    return max(known, key=lambda severity: severity.rank, default=None)


@dataclass(frozen=True)
class Unread:
    """A path that could not be judged: what it is, why, and what to try."""

    path: Path | str  # as text where it is a URL that leads nowhere
    reason: str
    broken: bool = False  # reading failed; else the file simply is not a training log


@dataclass(frozen=True)
class Report:
    """The result of one call: its runs, the worst first, and what could not be judged."""

    runs: tuple[RunReport, ...]
    unread: tuple[Unread, ...] = ()

    def at_least(self, severity: Severity) -> list[RunReport]:
        """The runs with a finding at or above a severity that nobody accepted."""
        graves = ((run, run.open_severity) for run in self.runs)
        return [run for run, grave in graves if grave and grave.rank >= severity.rank]
