"""What only the inside of a training shows: observations, and the place they point to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


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
class Observation:
    """A fact that `watch` saw in a step; the clue of the same key weighs it."""

    key: str
    statement: str
    """One checkable sentence with its numbers."""
    step: int | None = None
    strength: float = 1.0
    """From 0 to 1: how clearly it was seen."""
    values: Mapping[str, float] = field(default_factory=dict)
    where: Where | None = None
