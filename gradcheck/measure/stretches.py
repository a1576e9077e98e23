"""Stretches of rows for which something holds, and rows of two series that belong together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gradcheck.model import IntArray, Series

BoolArray = npt.NDArray[np.bool_]
JOIN = 10
"""Stretches fewer rows apart than this are told as one."""


def stretches(mask: BoolArray, join: int = JOIN) -> list[tuple[int, int]]:
    """First and last row of every stretch of true rows, near ones joined."""
    rows = np.flatnonzero(mask)
    if not len(rows):
        return []
    breaks = np.flatnonzero(np.diff(rows) > join)
    firsts = rows[np.concatenate([[0], breaks + 1])]
    lasts = rows[np.concatenate([breaks, [len(rows) - 1]])]
    return [(int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)]


def rows_within(series: Series, first: int, last: int) -> IntArray:
    """The rows of `series` whose step lies in [first, last]."""
    if series.ascends:
        return np.arange(*_ends(series.step, first, last))
    return np.flatnonzero((series.step >= first) & (series.step <= last))


def between(series: Series, first: int, last: int) -> Series:
    """The points of `series` whose `order` lies in [first, last]."""
    keep: slice | BoolArray = slice(*_ends(series.order, first, last))
    if not series.ascends:
        keep = (series.order >= first) & (series.order <= last)
    return replace(
        series,
        order=series.order[keep],
        step=series.step[keep],
        value=series.value[keep],
        wall=None if series.wall is None else series.wall[keep],
    )


def _ends(ascending: IntArray, first: int, last: int) -> tuple[int, int]:
    begin, end = np.searchsorted(ascending, first), np.searchsorted(ascending, last, side="right")
    return int(begin), int(end)


def same_rows(left: Series, right: Series, first: int = 0) -> tuple[IntArray, IntArray]:
    """Rows of `left` and of `right` that carry the same step, each step's last writing.

    Rows of `left` before row `first` are left out.
    """
    steps = left.step[first:]
    if not len(steps):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    near = rows_within(right, int(steps.min()), int(steps.max()))
    _, a, b = np.intersect1d(steps[::-1], right.step[near[::-1]], return_indices=True)
    return len(left) - 1 - a.astype(np.int64), near[::-1][b]


def row_at(series: Series, step: int) -> int | None:
    """The row of `series` written for `step`, None where there is none."""
    rows = rows_within(series, step, step)
    return int(rows[-1]) if len(rows) else None


def row_before(series: Series, step: int) -> int | None:
    """The last row of `series` written for a step before `step`."""
    rows = np.flatnonzero(series.step < step)
    return int(rows[-1]) if len(rows) else None
