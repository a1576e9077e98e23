"""Gives the rows of a text log their steps: their own, or those of the training lines above."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.model import FloatArray, IntArray, Role
from gradcheck.readers import role_names
from gradcheck.readers.table_steps import preference
from gradcheck.readers.text_kinds import INDEX, Kind, joined
from gradcheck.readers.text_messages import OVERFLOW
from gradcheck.readers.text_ranks import without_rank

_FEW = 3
_MANY = 10
_MOSTLY = 0.8
_NEARLY_ALL = 0.9
_LARGEST = 2.0**62
_AMOUNTS = frozenset({"samples", "tokens", "timesteps"})


@dataclass(frozen=True, eq=False)
class Clock:
    """How far the training was at each of its lines, as the lines of one kind tell it.

    Kinds that count alike and measure the same loss are taken for one.
    """

    kinds: tuple[Kind, ...]
    rows: Kind
    """The rows of these kinds together."""
    counter: str | None
    """The name of what counts, None where the lines themselves are counted."""
    step: IntArray
    unit: str
    notes: tuple[str, ...] = ()
    within: str | None = None
    """The epoch within which the counter counts, where its counts were laid end to end ..."""
    longest: float = 0.0
    """... and how long an epoch is, and the number of the first."""
    first: float = 0.0

    @property
    def start(self) -> int:
        """The first line that counts."""
        return self.rows.begins if self.counter else 0

    @property
    def spacing(self) -> int:
        """How many lines lie between one that counts and the next, as a rule."""
        apart = np.diff(self.rows.line)
        return int(np.median(apart)) if len(apart) else 0

    def holds(self, kind: Kind) -> bool:
        """Whether a kind is one of these; there may be thousands of them."""
        return id(kind) in self._ids

    def measures(self, names: tuple[str, ...]) -> bool:
        """Whether one of these kinds measures just that."""
        return names in self._measured

    @functools.cached_property
    def _ids(self) -> frozenset[int]:
        return frozenset(map(id, self.kinds))

    @functools.cached_property
    def _measured(self) -> frozenset[tuple[str, ...]]:
        return frozenset(kind.measured for kind in self.kinds)

    def at(self, kind: Kind) -> IntArray:
        """The step that had been reached when the rows of a kind were printed."""
        reached = np.searchsorted(self.rows.arrival, kind.arrival, side="right") - 1
        return self.step[np.maximum(reached, 0)]

    def of(self, kind: Kind) -> IntArray:
        """The steps of the rows of a kind: as they say themselves where that fits the clock."""
        at = self.at(kind)
        if self.counter is None:
            return np.arange(len(kind)) if self._is_twin(kind) else at
        counters = kind.counters()
        own = counters.get(self.counter)
        if self.within is not None:
            epoch = counters.get(self.within)
            return at if own is None or epoch is None else self._laid(own, epoch)
        if own is not None:
            return own.astype(np.int64)
        alike = (c for name, c in counters.items() if name != INDEX and self._fits(c, at))
        found = next(alike, None)
        return at if found is None else found.astype(np.int64)

    def _laid(self, count: FloatArray, epoch: FloatArray) -> IntArray:
        laid = (epoch - self.first) * self.longest + count
        return np.where(np.abs(laid) < _LARGEST, laid, 0.0).astype(np.int64)

    def _fits(self, count: FloatArray, at: IntArray) -> bool:
        """Whether a counter of another name counts the same: it is ahead by less than a row."""
        known = np.unique(self.step)
        ahead = known[np.minimum(np.searchsorted(known, at, side="right"), len(known) - 1)]
        return bool(((count >= at) & (count <= ahead)).mean() >= _NEARLY_ALL)

    def _is_twin(self, kind: Kind) -> bool:
        """Whether another rank printed the same lines."""
        return not self.holds(kind) and any(
            without_rank(kind.measured) == without_rank(own.measured)
            and kind.measured != own.measured
            for own in self.kinds
        )


def find_clock(kinds: Sequence[Kind]) -> Clock | None:
    """The clock of a log: that of its training loss, else of what it prints most often."""
    best = max(kinds, key=_weight, default=None)
    if best is None:
        return None
    told = [kind for kind in kinds if kind.counters() and (kind.own or len(kind) >= _FEW)]
    teller = max(told, key=_weight, default=None)
    if teller is None:
        return _counted(_alike(best, kinds))
    clock = _clock(_alike(teller, kinds))
    # Epochs that close long stretches of lines tell too little of where each line stood; that
    # matters for losses, less for steps which were skipped.
    coarse = clock.unit == "epoch" and 2 * len(np.unique(clock.step)) <= len(best)
    coarse = coarse and OVERFLOW not in best.measured
    return _counted(_alike(best, kinds)) if coarse and teller is not best else clock


def _weight(kind: Kind) -> tuple[bool, bool, int, int]:
    roles = {role_names.meaning(name).role for name in kind.measured}
    return (
        kind.comes_again(),
        len(kind) >= _FEW,
        2 if Role.LOSS in roles or Role.GRAD_NORM in roles else Role.VALIDATION_LOSS in roles,
        len(kind),
    )


def _alike(best: Kind, kinds: Sequence[Kind]) -> tuple[Kind, ...]:
    """The kinds that count like the best one and measure some of the same losses."""
    roles = {name: role_names.meaning(name).role for name in best.measured}
    losses = {name for name, role in roles.items() if role is Role.LOSS} or set(roles)
    return tuple(
        kind
        for kind in kinds
        if kind is best or (kind.counted == best.counted and not losses.isdisjoint(kind.measured))
    )


def _clock(kinds: tuple[Kind, ...]) -> Clock:
    rows = joined(kinds)
    counters = rows.counters()
    ranked = sorted(counters, key=lambda name: preference(name)[1])
    moving = [name for name in ranked if len(rows) < _FEW or _moves(counters[name])]
    if not moving:
        return _counted(kinds)
    epoch = next((name for name in moving if preference(name)[0] == "epoch"), None)
    steps = [name for name in moving if preference(name)[0] == "step"]
    if epoch is None or not steps:
        name = moving[0]
        return Clock(kinds, rows, name, counters[name].astype(np.int64), preference(name)[0])
    again = [name for name in steps if _starts_again(counters[name], counters[epoch])]
    through = [
        name
        for name in steps
        if name not in again and (not again or _AMOUNTS.isdisjoint(role_names.tokens(name)))
    ]
    if through:
        return Clock(kinds, rows, through[0], counters[through[0]].astype(np.int64), "step")
    return _end_to_end(kinds, rows, again[0], epoch)


def _moves(count: FloatArray) -> bool:
    """Whether a counter counts; a single line that breaks the rule of many is damaged."""
    if len(count) < _MANY:
        return bool(np.ptp(count) > 0)
    # No padding: it would make a line next to an end count twice.
    middle = np.sort(np.stack([count[:-2], count[1:-1], count[2:]]), axis=0)[1]
    return bool(np.ptp(middle) > 0)


def _counted(kinds: tuple[Kind, ...]) -> Clock:
    rows = joined(kinds)
    fractional = next(iter(rows.fractions()), None)
    why = f"{fractional!r} is fractional" if fractional else "nothing counts the steps"
    note = f"{why}: the lines are counted instead, from 0"
    return Clock(kinds, rows, None, np.arange(len(rows)), "step", (note,))


def _starts_again(count: FloatArray, epoch: FloatArray) -> bool:
    """Whether the count goes back or stands still wherever the epoch changes, and seldom else."""
    changes, moves = np.diff(epoch) != 0, np.diff(count)
    if not changes.any():
        return False
    back = moves < 0
    return bool(
        (moves <= 0)[changes].mean() >= _MOSTLY and (changes & back).sum() >= _MOSTLY * back.sum()
    )


def _end_to_end(kinds: tuple[Kind, ...], rows: Kind, name: str, within: str) -> Clock:
    count, epoch = rows.counters()[name], rows.counters()[within]
    longest = max(
        float(count.max()) + (1.0 if count.min() == 0 else 0.0), rows.totals.get(name, 0.0)
    )
    note = f"{name!r} counts within each {within!r}: they are laid end to end"
    empty = np.zeros(0, dtype=np.int64)
    clock = Clock(kinds, rows, name, empty, "step", (note,), within, longest, float(epoch.min()))
    return dataclasses.replace(clock, step=clock._laid(count, epoch))
