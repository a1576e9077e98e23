"""What a gate adds to a report: accepted findings, and the comparison with known good runs."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from gradcheck.model.logs import FloatArray, Role


class Severity(str, enum.Enum):
    """How much a finding matters; ordered by `rank`."""

    WARNING = "warning"
    SPIKE = "spike"
    FAILURE = "failure"

    @property
    def rank(self) -> int:
        """Position in the order of gravity, 0 the mildest."""
        return list(Severity).index(self)


@dataclass(frozen=True)
class Accepted:
    """Why a finding does not count for the gate, though it is shown."""

    reason: str
    by: str
    """The file and the key that say so."""
    until: str | None = None
    """The last day of it, as YYYY-MM-DD."""


class Check(str, enum.Enum):
    """What is compared with known good runs."""

    GRADIENT_SPIKES = "gradient_spikes"
    LOSS_SPIKES = "loss_spikes"
    GRADIENT_NORM = "gradient_norm"
    LOSS_FALL = "loss_fall"
    LOSS_END = "loss_end"
    VALIDATION_END = "validation_end"


@dataclass(frozen=True)
class Compared:
    """One thing that was compared: what it is, what the good runs had, and the limit."""

    check: Check
    series: str
    statement: str
    """One checkable sentence with its numbers."""
    value: float
    usual: float
    """What the good runs had there, in the same unit."""
    limit: float
    """What the noise of the good runs, and the tolerance, still allow."""
    excess: float
    """How far out it is: 0 as the good runs, 1 at the limit, more beyond it."""
    first_step: int | None
    last_step: int | None
    severity: Severity | None = None
    """How much it matters that it is beyond the limit; None where it is not."""
    accepted: Accepted | None = None


@dataclass(frozen=True, eq=False)
class Envelope:
    """A series beside the band in which the good runs leave it, on a grid; for plots."""

    role: Role
    series: str
    step: FloatArray
    """The middle of each stretch, in the steps of the run; all columns have this shape."""
    level: FloatArray
    """The run's own level there, in the unit of the series."""
    usual: FloatArray
    high: FloatArray
    """The limit of a single stretch."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """A run beside known good runs."""

    baselines: tuple[Path, ...]
    along: str
    """What was laid side by side: "step", or "progress" where steps cannot be."""
    first_step: int
    last_step: int
    """The steps of the run that were compared."""
    compared: tuple[Compared, ...] = ()
    """All that was compared, what is farthest out first."""
    envelopes: tuple[Envelope, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def regressions(self) -> tuple[Compared, ...]:
        """What is beyond its limit."""
        return tuple(one for one in self.compared if one.severity is not None)
