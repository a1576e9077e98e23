"""A batch of events: their wall times and steps, read at once, and the numbers found in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gradcheck.model import FloatArray, IntArray
from gradcheck.readers.event_columns import Points
from gradcheck.readers.event_shapes import LONGEST, Bytes, Found

_WALL_TIME, _STEP = 0x09, 0x10
_TAIL = 9  # where an event goes on behind its wall time
# Shorter events hold no scalar; from these, a step's key and eight bytes of it can be read.
_SHORTEST = _TAIL + 9
_ENDS = np.uint64(0x8080808080808080)
_BYTES = np.uint64(0x0101010101010101)
_NONE = -1


class Silent:
    """Events that were passed over, by their place among those of a batch."""

    def __init__(self) -> None:
        self._at: list[int] = []
        self._walls: list[Sequence[float]] = []

    def __bool__(self) -> bool:
        return bool(self._at)

    def add(self, at: int, walls: Sequence[float]) -> None:
        """Note the wall times of events that lie before the batch's event number `at`."""
        self._at.append(at)
        self._walls.append(walls)

    def among(self, walls: FloatArray, before: IntArray) -> tuple[FloatArray, IntArray]:
        """The wall times of all events in order, and how many silent ones precede each loud one.

        `walls` are those of the loud ones that are kept; `before[n]` is how many of them there are
        before the batch's event number n.
        """
        counts = [len(some) for some in self._walls]
        at = before[np.repeat(np.array(self._at, dtype=np.int64), counts)]
        silent = np.concatenate([np.asarray(some, dtype=np.float64) for some in self._walls])
        preceding = np.searchsorted(at, np.arange(len(walls)), side="right")
        return np.insert(walls, at, silent), preceding.astype(np.int64)


class Batch:
    """Events in some bytes, and what was found in them so far."""

    def __init__(self, data: bytes, starts: IntArray, stops: IntArray) -> None:
        self.data = data
        self.source = Bytes(data)
        self.starts = starts
        self.stops = stops
        self.walls = np.zeros(len(starts))
        self.steps = np.zeros(len(starts), dtype=np.int64)
        self.tails = starts.copy()
        """Where the rest of each event begins behind its wall time and step."""
        self.lengths = stops - starts
        """How many bytes that rest has."""
        self.damaged: list[int] = []
        """The index of what turned out to be no event."""
        self._slots = np.full(len(starts), _NONE, dtype=np.int32)
        self._values = np.empty(len(starts))
        self._further: list[Found] = []

    def read_beginnings(self) -> tuple[IntArray, IntArray]:
        """Read wall times and steps; the index of the events that begin with them, and the rest."""
        usual = self.lengths >= _SHORTEST
        usual &= self.source.at(self.starts, "u1") == _WALL_TIME
        index = np.flatnonzero(usual)
        where = slice(None) if len(index) == len(usual) else index
        at = self.starts[where]
        self.walls[where] = self.source.at(at + 1, "<f8")
        steps, widths = varints(self.source.words(at + _TAIL + 1))
        stepped = self.source.at(at + _TAIL, "u1") == _STEP
        self.steps[where] = np.where(stepped, steps, 0)
        tails = at + _TAIL + np.where(stepped, widths + 1, 0)
        self.lengths[where] = lengths = self.stops[where] - tails
        self.tails[where] = tails
        usual[where] &= (lengths <= LONGEST) & (lengths > 0) & ~(stepped & (widths == 0))
        return np.flatnonzero(usual), np.flatnonzero(~usual)

    def add(self, first: Found, *further: Found) -> None:
        """Add the first number of some events, and further ones of the same events."""
        self._slots[first.events] = first.slots
        self._values[first.events] = first.values
        self._further.extend(further)

    def add_one(self, index: int, slots: Sequence[int], values: Sequence[float]) -> None:
        """Add the numbers of one event."""
        if not slots:
            return
        self._slots[index], self._values[index] = slots[0], values[0]
        if len(slots) > 1:
            same = np.full(len(slots) - 1, index, dtype=np.int64)
            more = np.array(slots[1:], dtype=np.int32), np.array(values[1:], dtype=np.float64)
            self._further.append(Found(same, *more))

    def result(self, records: int, silent: Silent) -> tuple[FloatArray, Points]:
        """The wall times of all sound events, and their points; `records` came before."""
        index = np.flatnonzero(self._slots != _NONE)
        slots, values = self._slots[index], self._values[index]
        if self._further:
            further = [Found(index, slots, values), *self._further]
            index, slots, values = map(np.concatenate, zip(*further, strict=True))
            order = np.argsort(index, kind="stable")
            index, slots, values = index[order], slots[order], values[order]
        walls, number = self.walls, index
        if self.damaged or silent:
            sound = np.ones(len(self.walls), dtype=bool)
            sound[self.damaged] = False
            before = np.concatenate(([0], np.cumsum(sound)))
            walls, number = walls[sound], before[index]
            if silent:
                walls, preceding = silent.among(walls, before)
                number = number + preceding[number]
        return walls, Points(slots, number + records, self.steps[index], values)


def varints(words: npt.NDArray[np.uint64]) -> tuple[IntArray, IntArray]:
    """The varints at the beginning of each eight bytes, and their widths; 0 where longer."""
    ends = ~words & _ENDS
    lowest = ends & (~ends + np.uint64(1))
    inside = (lowest << np.uint64(1)) - np.uint64(1)
    inside[lowest == 0] = 0
    widths = ((inside & _BYTES) * _BYTES) >> np.uint64(56)
    # Seven bits of each byte count: close the gaps between pairs, then fours, then all.
    value = words & inside & np.uint64(0x7F7F7F7F7F7F7F7F)
    for shift, low in ((1, 0x007F007F007F007F), (2, 0x00003FFF00003FFF), (4, 0x0FFFFFFF)):
        high = np.uint64(low << 7 * shift)
        value = (value & np.uint64(low)) | ((value >> np.uint64(shift)) & high)
    return value.astype(np.int64), widths.astype(np.int64)
