"""Finds the NaNs that pandas wrote as blank cells: a column that stops while its peers go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gradcheck.model import IntArray, Role
from gradcheck.readers import role_names
from gradcheck.readers.csv_cells import BoolArray, Column
from gradcheck.readers.csv_steps import Axis, is_step_name

_FEWEST = 3
_ALIKE = 0.9
_CLOCK = frozenset({"time", "timestamp", "runtime", "elapsed", "duration", "wall", "seconds"})


def restore_nan(columns: Sequence[Column], axis: Axis) -> tuple[list[Column], tuple[str, ...]]:
    """Fill the suspicious blanks with NaN, and say where.

    A cell is suspicious in a row of its column's own kind: one in which the columns that used to
    be filled together with it still are, or in which nothing at all is. Rows of other kinds, such
    as Lightning's validation rows among the training rows, say nothing; neither do the rows after
    a restart, which may log less than before.
    """
    metrics = [column for column in columns if not _keeps_books(column.name)]
    if not metrics:
        return list(columns), ()
    attempt = _attempts(axis)
    barren = ~np.logical_or.reduce([column.logged for column in metrics])
    restored, notes = [], []
    for column in columns:
        gap = _gap(column, metrics, barren, attempt) if column in metrics else None
        if gap is None:
            restored.append(column)
            continue
        restored.append(dataclasses.replace(column, logged=column.logged | gap))
        notes.append(
            f"{column.name!r} stays blank in its last {int(gap.sum())} rows while the log goes on:"
            " taken for NaN, which pandas writes as a blank"
        )
    return restored, tuple(notes)


def _keeps_books(name: str) -> bool:
    clock = bool(_CLOCK.intersection(role_names.tokens(name)))
    return clock or is_step_name(name) or role_names.meaning(name).role is Role.EPOCH


def _attempts(axis: Axis) -> IntArray:
    """The number of times that the step has gone back, for each row."""
    attempt = np.zeros(len(axis.step), dtype=np.int64)
    attempt[axis.rows] = np.cumsum(np.diff(axis.step[axis.rows], prepend=axis.step[:1]) < 0)
    return attempt


def _gap(
    column: Column, metrics: Sequence[Column], barren: BoolArray, attempt: IntArray
) -> BoolArray | None:
    filled = np.flatnonzero(column.logged)
    if len(filled) < _FEWEST:
        return None
    last = int(filled[-1]) + 1
    peers = [other.logged for other in metrics if _alike(column.logged, other.logged, last)]
    alive = [logged for logged in peers if logged[last:].any()] or peers
    own_kind = barren | (2 * np.sum(alive, axis=0) > len(alive))
    if column.logged[:last].sum() < _ALIKE * own_kind[:last].sum():
        return None
    gap = own_kind & column.empty & (attempt == attempt[last - 1])
    gap[:last] = False
    return gap if gap.sum() >= _FEWEST else None


def _alike(one: BoolArray, other: BoolArray, last: int) -> bool:
    either = (one[:last] | other[:last]).sum()
    return bool((one[:last] & other[:last]).sum() >= _ALIKE * either)
