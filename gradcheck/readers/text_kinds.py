"""Keeps the rows of a text log by kind: rows with the same names were printed by one statement."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gradcheck.model import FloatArray, IntArray

_LARGEST = 2.0**62
_BACK = 0.3
"""Share of the moves of a counter that may go back, as a restart does."""


@dataclass(frozen=True)
class Counter:
    """A count in a line, and the total of `3/10` where it is told."""

    name: str
    value: float
    total: float | None = None


@dataclass
class Kind:
    """The rows with the same names, as columns."""

    measured: tuple[str, ...]
    counted: tuple[str, ...]
    _line: array[int] = field(default_factory=lambda: array("q"))
    _values: array[float] = field(default_factory=lambda: array("d"))
    totals: dict[str, float] = field(default_factory=dict)
    own: bool = False
    """Whether the lines themselves count, and not only a heading above them."""

    def add(self, line: int, counts: Sequence[Counter], values: Sequence[float]) -> None:
        """Append a row: a value for each counted and each measured name."""
        self._line.append(line)
        self._values.extend([count.value for count in counts])
        self._values.extend(values)
        for count in counts:
            if count.total:
                self.totals[count.name] = max(self.totals.get(count.name, 0.0), count.total)

    def __len__(self) -> int:
        return len(self._line)

    @property
    def line(self) -> IntArray:
        """The line of each row."""
        return np.array(self._line, dtype=np.int64)

    def _column(self, place: int) -> FloatArray:
        width = len(self.counted) + len(self.measured)
        return np.array(self._values[place::width], dtype=np.float64)

    def values(self) -> dict[str, FloatArray]:
        """The measured columns, and the counted ones that turn out to count nothing."""
        sound = self.counters()
        names = (*self.counted, *self.measured)
        return {name: self._column(place) for place, name in enumerate(names) if name not in sound}

    def counters(self) -> dict[str, FloatArray]:
        """The counted columns that count: whole numbers that go on.

        A count may go back where another changes: a batch starts again with each epoch.
        """
        whole = {
            name: value
            for place, name in enumerate(self.counted)
            if _is_whole(value := self._column(place))
        }
        return {
            name: value
            for name, value in whole.items()
            if _goes_on(value, [other for other in whole.values() if other is not value])
        }

    def fractions(self) -> dict[str, FloatArray]:
        """The counted columns that hold fractions, such as Hugging Face's epoch."""
        columns = {name: self._column(place) for place, name in enumerate(self.counted)}
        return {name: value for name, value in columns.items() if not _is_whole(value)}


def _goes_on(value: FloatArray, others: Sequence[FloatArray]) -> bool:
    back = np.diff(value) < 0
    for other in others:
        back &= np.diff(other) == 0
    return not len(back) or bool(back.mean() <= _BACK)


def _is_whole(value: FloatArray) -> bool:
    return bool(((np.abs(value) < _LARGEST) & (value == np.round(value))).all())


class Kinds:
    """All rows of a log, by kind."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[tuple[str, ...], tuple[str, ...]], Kind] = {}

    def add(
        self, line: int, counts: Sequence[Counter], measured: Mapping[str, float], *, own: bool
    ) -> None:
        """Append a row."""
        counted = tuple(count.name for count in counts)
        names = tuple(measured)
        kind = self._kinds.get((names, counted))
        if kind is None:
            kind = self._kinds[names, counted] = Kind(names, counted)
        kind.own = kind.own or own
        kind.add(line, counts, list(measured.values()))

    def all(self) -> tuple[Kind, ...]:
        """The kinds, in the order in which they first appear."""
        return tuple(self._kinds.values())
