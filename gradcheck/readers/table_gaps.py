"""Finds the NaNs that pandas wrote as blank cells: a column that stops while its peers go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from gradcheck.model import IntArray, Role
from gradcheck.readers import role_names
from gradcheck.readers.table import BoolArray, Column
from gradcheck.readers.table_steps import Axis, is_step_name

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
    if not any(len(column.blank) >= _FEWEST for column in metrics):
        return list(columns), ()
    rows = len(axis.step)
    logged = {column.name: _mask(column.row, rows) for column in metrics}
    barren = ~np.logical_or.reduce(list(logged.values()))
    attempt: IntArray = np.cumsum(np.diff(axis.step, prepend=axis.step[:1]) < 0, dtype=np.int64)
    restored, notes = [], []
    for column in columns:
        gap = None
        if column.name in logged and len(column.blank) >= _FEWEST:
            gap = _gap(column, logged, barren, attempt)
        if gap is None:
            restored.append(column)
            continue
        restored.append(_filled(column, gap))
        notes.append(
            f"{column.name!r} stays blank in its last {len(gap)} rows while the log goes on:"
            " taken for NaN, which pandas writes as a blank"
        )
    return restored, tuple(notes)


def _mask(row: IntArray, rows: int) -> BoolArray:
    mask = np.zeros(rows, dtype=np.bool_)
    mask[row] = True
    return mask


def _filled(column: Column, gap: IntArray) -> Column:
    row = np.concatenate((column.row, gap))
    value = np.concatenate((column.value, np.full(len(gap), np.nan)))
    order = np.argsort(row, kind="stable")
    return dataclasses.replace(column, row=row[order], value=value[order])


def _keeps_books(name: str) -> bool:
    clock = bool(_CLOCK.intersection(role_names.tokens(name)))
    return clock or is_step_name(name) or role_names.meaning(name).role is Role.EPOCH


def _gap(
    column: Column, logged: Mapping[str, BoolArray], barren: BoolArray, attempt: IntArray
) -> IntArray | None:
    if len(column.row) < _FEWEST:
        return None
    last = int(column.row[-1]) + 1
    own = logged[column.name]
    peers = [other for other in logged.values() if _alike(own, other, last)]
    alive = [other for other in peers if other[last:].any()] or peers
    own_kind = barren | (2 * np.sum(alive, axis=0) > len(alive))
    if len(column.row) < _ALIKE * own_kind[:last].sum():
        return None
    gap = own_kind & _mask(column.blank, len(own)) & (attempt == attempt[last - 1])
    gap[:last] = False
    return np.flatnonzero(gap) if gap.sum() >= _FEWEST else None


def _alike(one: BoolArray, other: BoolArray, last: int) -> bool:
    either = (one[:last] | other[:last]).sum()
    return bool((one[:last] & other[:last]).sum() >= _ALIKE * either)
