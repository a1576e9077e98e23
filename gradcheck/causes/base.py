"""What a cause is: a family, a prior, its weight for each clue, and its remedies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gradcheck.case import Case, Clue
from gradcheck.model import Family, Remedy

FEW_NAMED = 5
PRIOR = -4.5
"""Log-odds of a cause against "none of these" before any clue."""


@dataclass(frozen=True)
class Finding:
    """What a remedy may use: the case, and the clues that were seen in it."""

    case: Case
    clues: Mapping[str, Clue]

    def value(self, clue: str, name: str) -> float | None:
        """A number measured by a clue, None where the clue was not seen."""
        seen = self.clues.get(clue)
        return seen.values.get(name) if seen else None

    def samples(self) -> str | None:
        """The samples of the data set that were seen to be at fault, in words."""
        known = next(
            (c.where.samples for c in self.clues.values() if c.where and c.where.samples), ()
        )
        if not known:
            return None
        more = f" and {len(known) - FEW_NAMED} more" if len(known) > FEW_NAMED else ""
        named = ", ".join(map(str, known[:FEW_NAMED]))
        return f"{'samples' if len(known) > 1 else 'sample'} {named}{more}"


@dataclass(frozen=True)
class Cause:
    """A mechanism. A module of this folder declares one as `CAUSE`.

    The module's stem is the cause's id, its docstring is what `gradcheck explain` shows.
    """

    family: Family
    summary: str
    """What happened, in one clause."""
    weights: Mapping[str, float]
    """Log-odds that each clue adds (or takes); a clue that is not named says nothing."""
    remedies: Callable[[Finding], Iterable[Remedy]]
    trials: tuple[str, ...] = ()
    """Changes that `watch` tries in a replay, the repair first: modules of watch/changes."""
    prior: float = PRIOR
    instead_of: tuple[str, ...] = ()
    """Causes that a log shows in its place: it replaces them, it does not rule them out."""
