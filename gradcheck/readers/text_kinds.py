"""Keeps the rows of a text log by kind: rows with the same names were printed by one statement."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from gradcheck.model import FloatArray, IntArray

INDEX = "index"
"""A bare number that opens a line: the rank that printed it, or a count."""
_LARGEST = 2.0**62
_MOSTLY = 0.8
_LOGGERS = 4
"""Statements that may take turns to print the same, as several loggers do."""
_MANY = 10
"""Rows that come again even where all are the same."""
_BACK = 0.3
"""Share of the moves of a counter that may go back, as a restart does."""


@dataclass(frozen=True)
class Counter:
    """A count in a line, and the total of `3/10` where it is told."""

    name: str
    value: float
    total: float | None = None


class Rows(NamedTuple):
    """The rows of a kind, as columns and a matrix."""

    line: IntArray
    arrival: IntArray
    cells: FloatArray


class Origin(NamedTuple):
    """Where a row comes from."""

    own: bool
    """Whether its line counts by itself."""
    begins: int
    """The line of the heading that counts for it, or its own."""
    statement: str
    """The same for all lines that one statement printed."""


@dataclass(eq=False)
class Kind:
    """The rows with the same names, as columns; no more rows are added once a column was read."""

    measured: tuple[str, ...]
    counted: tuple[str, ...]
    _line: array[int] = field(default_factory=lambda: array("q"))
    _arrival: array[int] = field(default_factory=lambda: array("q"))
    _values: array[float] = field(default_factory=lambda: array("d"))
    totals: dict[str, float] = field(default_factory=dict)
    own: bool = False
    """Whether the lines themselves count, and not only a heading above them."""
    begins: int = 0
    """The line of the first row, or of the heading that counts for it."""
    repeats: int = 0
    """How many rows were printed by the same statement as a row before them."""
    _sound: dict[str, FloatArray] | None = None
    _statements: deque[str] = field(default_factory=lambda: deque(maxlen=_LOGGERS))

    def add(
        self,
        line: int,
        arrival: int,
        counts: Sequence[Counter],
        values: Iterable[float],
        statement: str,
    ) -> None:
        """Append a row: a value for each counted and each measured name."""
        if statement in self._statements:
            self.repeats += 1
        else:
            self._statements.append(statement)
        self._line.append(line)
        self._arrival.append(arrival)
        for count in counts:
            self._values.append(count.value)
            if count.total:
                self.totals[count.name] = max(self.totals.get(count.name, 0.0), count.total)
        self._values.extend(values)

    def __len__(self) -> int:
        return len(self._line)

    @property
    def line(self) -> IntArray:
        """The line of each row."""
        return np.array(self._line, dtype=np.int64)

    @property
    def arrival(self) -> IntArray:
        """The place of each row among those of all kinds."""
        return np.array(self._arrival, dtype=np.int64)

    def _column(self, place: int) -> FloatArray:
        width = len(self.counted) + len(self.measured)
        return np.array(self._values[place::width], dtype=np.float64)

    def values(self) -> dict[str, FloatArray]:
        """The measured columns, and the counted ones that turn out to count nothing."""
        sound = self.counters()
        names = (*self.counted, *self.measured)
        return {name: self._column(place) for place, name in enumerate(names) if name not in sound}

    def comes_again(self) -> bool:
        """Whether a statement was run again and again, as none of a program or a list is.

        A single row that is not finite is worth as much.
        """
        cells = self.cells()
        if not np.isfinite(cells).all():
            return True
        if not self.repeats:
            return False
        return len(self) >= _MANY or bool((cells != cells[0]).any())

    def counters(self) -> dict[str, FloatArray]:
        """The counted columns that count: whole numbers that go on.

        A count may go back where another changes: a batch starts again with each epoch.
        """
        if self._sound is None:
            self._sound = self._find_counters()
        return self._sound

    def _find_counters(self) -> dict[str, FloatArray]:
        whole = {
            name: value
            for place, name in enumerate(self.counted)
            if (value := _whole(self._column(place))) is not None
        }
        return {
            name: value
            for name, value in whole.items()
            if _goes_on(value, [other for other in whole.values() if other is not value])
        }

    def fractions(self) -> dict[str, FloatArray]:
        """The counted columns that hold fractions, such as Hugging Face's epoch."""
        columns = {name: self._column(place) for place, name in enumerate(self.counted)}
        return {name: value for name, value in columns.items() if _whole(value) is None}

    def cells(self) -> FloatArray:
        """All cells, a row each, the counted columns first."""
        width = len(self.counted) + len(self.measured)
        return np.array(self._values, dtype=np.float64).reshape(len(self), width)

    @classmethod
    def of(
        cls, names: tuple[tuple[str, ...], tuple[str, ...]], rows: Rows, totals: Mapping[str, float]
    ) -> Kind:
        """A kind with the given measured and counted names, and rows."""
        kind = cls(*names, totals=dict(totals), own=bool(names[1]), begins=int(rows.line[0]))
        kind._line.extend(rows.line.tolist())
        kind._arrival.extend(rows.arrival.tolist())
        kind._values.extend(rows.cells.ravel().tolist())
        kind.repeats = len(kind) - 1
        return kind

    def by_index(self) -> dict[int, Kind]:
        """The rows apart by their index, which then no longer counts; in ascending order."""
        place = self.counted.index(INDEX)
        cells, line, arrival = self.cells(), self.line, self.arrival
        index, rest = cells[:, place], np.delete(cells, place, axis=1)
        names = self.measured, tuple(name for name in self.counted if name != INDEX)
        return {
            int(value): Kind.of(names, Rows(line[of], arrival[of], rest[of]), self.totals)
            for value in np.unique(index).tolist()
            if len(of := np.flatnonzero(index == value))
        }


def joined(kinds: Sequence[Kind]) -> Kind:
    """The rows of kinds with the same counted names as one kind, their measurements left out."""
    width = len(kinds[0].counted)
    arrival = np.concatenate([kind.arrival for kind in kinds])
    order = np.argsort(arrival, kind="stable")
    line = np.concatenate([kind.line for kind in kinds])
    cells = np.concatenate([kind.cells()[:, :width] for kind in kinds])
    totals: dict[str, float] = {}
    for kind in kinds:
        totals.update({n: max(t, totals.get(n, 0.0)) for n, t in kind.totals.items()})
    whole = Kind.of(((), kinds[0].counted), Rows(line[order], arrival[order], cells[order]), totals)
    whole.own, whole.begins = any(k.own for k in kinds), min(k.begins for k in kinds)
    whole.repeats = sum(kind.repeats for kind in kinds)
    return whole


def _goes_on(value: FloatArray, others: Sequence[FloatArray]) -> bool:
    back = np.diff(value) < 0
    for other in others:
        back &= np.diff(other) == 0
    return not len(back) or bool(back.mean() <= _BACK)


def _whole(value: FloatArray) -> FloatArray | None:
    """A column of whole numbers, None where it is none.

    A damaged line may count anything: it belongs to the count before it. Where fractions are meant,
    they are many.
    """
    whole = (np.abs(value) < _LARGEST) & (value == np.round(value))
    if not whole.any() or whole.mean() < _MOSTLY:
        return None
    latest = np.maximum.accumulate(np.where(whole, np.arange(len(value)), np.argmax(whole)))
    return value[latest]


class Kinds:
    """All rows of a log, by kind."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[tuple[str, ...], tuple[str, ...]], Kind] = {}
        self._rows = 0

    def add(
        self,
        line: int,
        counts: Sequence[Counter],
        measured: Mapping[str, float],
        origin: Origin,
    ) -> None:
        """Append a row."""
        counted = tuple([count.name for count in counts])
        names = tuple(measured)
        kind = self._kinds.get((names, counted))
        if kind is None:
            kind = self._kinds[names, counted] = Kind(names, counted, begins=origin.begins)
        kind.own = kind.own or origin.own
        kind.add(line, self._rows, counts, measured.values(), origin.statement)
        self._rows += 1

    def all(self) -> tuple[Kind, ...]:
        """The kinds, in the order in which they first appear."""
        return tuple(self._kinds.values())
