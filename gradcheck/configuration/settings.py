"""The settings in effect: what fails a build, what is accepted, which runs are known to be good."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck.model import Role


class Level(str, enum.Enum):
    """What a cause, an event or a regression counts as."""

    IGNORE = "ignore"
    WARNING = "warning"
    SPIKE = "spike"
    FAILURE = "failure"


@dataclass(frozen=True)
class Acceptance:
    """A finding that a project lives with, and why."""

    what: str
    """cause, event or regression."""
    name: str
    reason: str
    runs: str = "*"
    """A pattern of run paths, such as `runs/sweep-*`."""
    until: datetime.date | None = None
    """The last day on which it is accepted."""


@dataclass(frozen=True)
class Settings:
    """All that the gate goes by; causes, events and regressions as the report names them."""

    fail_on: str = "failure"
    roles: Mapping[str, str] = field(default_factory=dict)
    """Names of series by option: loss, grad-norm, learning-rate."""
    baselines: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """How many times the level before it a spike must reach, by kind of event."""
    tolerances: Mapping[str, float] = field(default_factory=dict)
    """How much worse than the good runs' noise allows, as a share, by regression."""
    causes: Mapping[str, Level] = field(default_factory=dict)
    events: Mapping[str, Level] = field(default_factory=dict)
    regressions: Mapping[str, Level] = field(default_factory=dict)
    accepted: tuple[Acceptance, ...] = ()
    file: Path | None = None
    """Where they were read from, if anywhere."""
    on_command_line: frozenset[str] = frozenset()
    """The keys that the command line sets."""
    in_file: frozenset[str] = frozenset()
    """The keys that the file sets."""

    @property
    def overrides(self) -> dict[Role, str]:
        """The named series by their roles."""
        from gradcheck.model import Role  # noqa: PLC0415 - numpy, which not every command needs

        return {Role(key.replace("-", "_")): name for key, name in self.roles.items()}

    @property
    def source(self) -> str:
        """The file as a name in a sentence."""
        return self.file.name if self.file else "the command line"
