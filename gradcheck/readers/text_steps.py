"""Gives the rows of a text log their steps: their own, or those of the training lines above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.model import FloatArray, IntArray, Role
from gradcheck.readers import role_names
from gradcheck.readers.table_steps import preference
from gradcheck.readers.text_kinds import Kind

_FEW = 3
_MOSTLY = 0.8


@dataclass(frozen=True, eq=False)
class Clock:
    """How far the training was at each of its lines, as the lines of one kind tell it."""

    kind: Kind
    counter: str | None
    """The name of what counts, None where the lines themselves are counted."""
    line: IntArray
    step: IntArray
    unit: str
    notes: tuple[str, ...] = ()
    laid: bool = False
    """Whether the counts within epochs were laid end to end."""

    @property
    def start(self) -> int:
        """The first line that counts."""
        return int(self.line[0]) if self.counter else 0

    def at(self, line: IntArray) -> IntArray:
        """The step that had been reached at these lines."""
        return self.step[np.maximum(np.searchsorted(self.line, line, side="right") - 1, 0)]

    def of(self, kind: Kind) -> IntArray:
        """The steps of the rows of a kind: as they say themselves where that fits the clock."""
        if kind is self.kind:
            return self.step
        own = kind.counters().get(self.counter or "")
        if own is None or self.laid:
            return self.at(kind.line)
        return own.astype(np.int64)


def find_clock(kinds: Sequence[Kind]) -> Clock | None:
    """The clock of a log: that of its training loss, else of what it prints most often."""
    told = [kind for kind in kinds if kind.counters() and (kind.own or len(kind) >= _FEW)]
    best = max(told or kinds, key=_weight, default=None)
    if best is None:
        return None
    return _clock(best) if best in told else _counted(best)


def _weight(kind: Kind) -> tuple[bool, bool, int]:
    roles = {role_names.meaning(name).role for name in kind.measured}
    return len(kind) >= _FEW, Role.LOSS in roles or Role.GRAD_NORM in roles, len(kind)


def _clock(kind: Kind) -> Clock:
    counters = kind.counters()
    ranked = sorted(counters, key=lambda name: preference(name)[1])
    moving = [name for name in ranked if len(kind) < _FEW or np.ptp(counters[name]) > 0]
    if not moving:
        return _counted(kind)
    name = moving[0]
    unit, _ = preference(name)
    epoch = next((other for other in moving if preference(other)[0] == "epoch"), None)
    if unit == "step" and epoch is not None and _starts_again(counters[name], counters[epoch]):
        step = _end_to_end(counters[name], counters[epoch], kind.totals.get(name))
        note = f"{name!r} counts within each {epoch!r}: they are laid end to end"
        return Clock(kind, name, kind.line, step, "step", (note,), laid=True)
    return Clock(kind, name, kind.line, counters[name].astype(np.int64), unit)


def _counted(kind: Kind) -> Clock:
    fractional = next(iter(kind.fractions()), None)
    why = f"{fractional!r} is fractional" if fractional else "nothing counts the steps"
    note = f"{why}: the lines are counted instead, from 0"
    return Clock(kind, None, kind.line, np.arange(len(kind)), "step", (note,))


def _starts_again(count: FloatArray, epoch: FloatArray) -> bool:
    """Whether the count goes back wherever the epoch changes, and hardly anywhere else."""
    changes, back = np.diff(epoch) != 0, np.diff(count) < 0
    if not changes.any():
        return False
    return bool(back[changes].mean() >= _MOSTLY and (changes & back).sum() >= _MOSTLY * back.sum())


def _end_to_end(count: FloatArray, epoch: FloatArray, total: float | None) -> IntArray:
    longest = max(float(count.max()) + (1.0 if count.min() == 0 else 0.0), total or 0.0)
    laid = (epoch - epoch.min()) * longest + count
    return np.where(np.abs(laid) < 2.0**62, laid, 0.0).astype(np.int64)
