"""Takes a point once that several loggers wrote, each in its own format."""

from __future__ import annotations

import numpy as np

from gradcheck.model import FloatArray, IntArray
from gradcheck.readers.text_kinds import INDEX, Kind, Rows

_FEWEST = 3
"""Points that must be there twice."""
_MOSTLY = 0.8


def without_copies(kind: Kind) -> Kind:
    """The rows of a kind, every second one left out where all of them are there twice.

    A log may be cut in the middle of a pair, and two loggers need not take turns strictly.
    """
    if not kind.own or len(kind) < 2 * _FEWEST:
        return kind
    counters = [count for name, count in kind.counters().items() if name != INDEX]
    if not counters:
        return kind
    counted = np.stack(counters, axis=1)
    cells = kind.cells()
    is_copy = np.zeros(len(kind), dtype=np.bool_)
    is_copy[1:] = _same(cells)
    starts = np.flatnonzero(np.append(True, (np.diff(counted, axis=0) != 0).any(axis=1)))
    length = np.diff(np.append(starts, len(kind)))
    pairs = (length == 2) & is_copy[np.minimum(starts + 1, len(kind) - 1)]
    measured = cells[starts][pairs][:, len(kind.counted) :]
    # What never changes may be the same twice in a row without being a copy.
    differing = len(np.unique(measured[np.isfinite(measured).all(axis=1)], axis=0))
    if pairs.sum() < _FEWEST or pairs.sum() < _MOSTLY * _whole(length) or differing < _FEWEST:
        return kind
    return _of(kind, np.flatnonzero(~is_copy))


def _same(cells: FloatArray) -> FloatArray:
    """Whether each row but the first is the one before it again."""
    before, after = cells[:-1], cells[1:]
    same: FloatArray = ((before == after) | (np.isnan(before) & np.isnan(after))).all(axis=1)
    return same


def _whole(length: IntArray) -> int:
    """How many points there are that the log does not cut at its ends."""
    return len(length) - int(length[0] < 2) - int(length[-1] < 2 and len(length) > 1)


def _of(kind: Kind, kept: IntArray) -> Kind:
    rows = Rows(kind.line[kept], kind.arrival[kept], kind.cells()[kept])
    single = Kind.of((kind.measured, kind.counted), rows, kind.totals)
    single.own, single.begins = kind.own, kind.begins
    return single
