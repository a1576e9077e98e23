"""Collects the scalars of an event file into one column per tag."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gradcheck.model import FloatArray, IntArray
from gradcheck.readers.event_shapes import SlotArray


@dataclass(frozen=True, eq=False)
class Column:
    """The points of one tag, in file order."""

    record: IntArray
    """Number of the record, counted from 0 over all records of the file."""
    step: IntArray
    wall: FloatArray
    value: FloatArray


class Points(NamedTuple):
    """Points of several tags, in file order; their tags are numbered."""

    slot: SlotArray
    record: IntArray
    step: IntArray
    value: FloatArray


class Columns:
    """Points as they come in, batch by batch."""

    def __init__(self) -> None:
        self.records = 0
        self._slots: dict[bytes, int] = {}
        self._names: dict[str, int] = {}
        self._points: list[Points] = []
        self._walls: list[FloatArray] = []

    def slot(self, tag: bytes) -> int:
        """The number of a tag."""
        slot = self._slots.get(tag)
        if slot is None:
            name = tag.decode(errors="backslashreplace")
            slot = self._slots[tag] = self._names.setdefault(name, len(self._names))
        return slot

    def add(self, walls: FloatArray, points: Points) -> None:
        """Add the wall times of the next records, and the points in them."""
        self.records += len(walls)
        self._walls.append(walls)
        self._points.append(points)

    def result(self) -> tuple[dict[str, Column], FloatArray]:
        """The columns by tag, and the wall time of each record; to be asked for once.

        Memory is what limits the size of a file, so each piece goes as soon as it is copied, and
        the columns of all tags share one array each.
        """
        walls = _joined(self._walls, np.float64)
        slots = _joined([points.slot for points in self._points], np.int32)
        # Few tags sort three times as fast: numpy has a radix sort for 16 bits.
        keys = slots.astype(np.uint16) if len(self._names) <= 1 << 16 else slots
        order = np.argsort(keys, kind="stable")
        counts = np.bincount(slots, minlength=len(self._names))
        bounds = [0, *np.cumsum(counts).tolist()]
        pieces = [[points[n] for points in self._points] for n in (1, 2, 3)]
        del slots, keys
        self._points.clear()
        record = _joined(pieces[0], np.int64)[order]
        step = _joined(pieces[1], np.int64)[order]
        value = _joined(pieces[2], np.float64)[order]
        wall = walls[record]
        columns = {
            name: Column(record[start:stop], step[start:stop], wall[start:stop], value[start:stop])
            for name, (start, stop) in zip(self._names, itertools.pairwise(bounds), strict=True)
            if start < stop
        }
        return columns, walls


def _joined(pieces: list[npt.NDArray[Any]], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """The pieces in one array, and the list emptied."""
    joined = np.concatenate(pieces, dtype=dtype) if pieces else np.empty(0, dtype=dtype)
    pieces.clear()
    return joined
