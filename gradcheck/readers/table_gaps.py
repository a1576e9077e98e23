"""Finds the NaNs that pandas wrote as blank cells: a column that stops while its peers go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.model import IntArray, Role
from gradcheck.readers import role_names
from gradcheck.readers.table import BoolArray, Column
from gradcheck.readers.table_steps import Axis, is_step_name

_FEWEST = 3
_ALIKE = 0.9
_CLOCK = frozenset(
    {"time", "timestamp", "runtime", "elapsed", "duration", "wall", "seconds"}
    | {"percentage", "percent", "progress", "eta", "remaining"}
)
_MOST_KINDS = 200


@dataclass(frozen=True, eq=False)
class _Kind:
    """Some rows, and how many columns fill just these."""

    row: IntArray
    columns: int


def restore_nan(columns: Sequence[Column], axis: Axis) -> tuple[list[Column], tuple[str, ...]]:
    """Fill the suspicious blanks with NaN, and say where.

    A cell is suspicious in a row of its column's own kind: one in which the columns that used to
    be filled together with it still are, or in which nothing at all is. Rows of other kinds, such
    as Lightning's validation rows among the training rows, say nothing; neither do the rows after
    a restart, which may log less than before.
    """
    blank = [column for column in columns if _stops_blank(column)]
    suspects = {column.name for column in blank if not _keeps_books(column.name)}
    if not suspects:
        return list(columns), ()
    metrics = [column for column in columns if not _keeps_books(column.name)]
    rows = len(axis.step)
    kinds = _kinds(metrics)
    barren = np.ones(rows, dtype=np.bool_)
    for column in metrics:
        barren[column.row] = False
    attempt: IntArray = np.cumsum(np.diff(axis.step, prepend=axis.step[:1]) < 0, dtype=np.int64)
    suspected = {column.row.tobytes() for column in metrics if column.name in suspects}
    own_kinds = {
        key: _own_kind(kinds[key], kinds.values(), barren) for key in suspected & kinds.keys()
    }
    restored, notes = [], []
    for column in columns:
        own_kind = own_kinds.get(column.row.tobytes()) if column.name in suspects else None
        gap = None if own_kind is None else _gap(column, own_kind, attempt)
        if gap is None:
            restored.append(column)
            continue
        restored.append(_filled(column, gap))
        notes.append(
            f"{column.name!r} stays blank in its last {len(gap)} rows while the log goes on:"
            " taken for NaN, which pandas and others write as a blank"
        )
    return restored, tuple(notes)


def _stops_blank(column: Column) -> bool:
    """Whether a column of some length is blank in several rows after its last number."""
    if len(column.row) < _FEWEST:
        return False
    return int((column.blank > column.row[-1]).sum()) >= _FEWEST


def _kinds(columns: Sequence[Column]) -> dict[bytes, _Kind]:
    """The rows that columns fill, the fullest first; those filled alike are one kind."""
    kinds: dict[bytes, _Kind] = {}
    for column in columns:
        key = column.row.tobytes()
        known = kinds.get(key)
        kinds[key] = _Kind(column.row, known.columns + 1 if known else 1)
    fullest = sorted(kinds.items(), key=lambda item: -len(item[1].row))
    return dict(fullest[:_MOST_KINDS])


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


def _own_kind(kind: _Kind, kinds: Collection[_Kind], barren: BoolArray) -> BoolArray | None:
    """The rows in which a kind of column is due, None where they cannot be told."""
    last = int(kind.row[-1]) + 1
    own = _mask(kind.row, len(barren))
    peers = [other for other in kinds if _alike(own, other.row, last)]
    alive = [other for other in peers if other.row[-1] >= last] or peers
    votes = np.zeros(len(barren), dtype=np.int64)
    for other in alive:
        votes[other.row] += other.columns
    own_kind: BoolArray = barren | (2 * votes > sum(other.columns for other in alive))
    for other in kinds:  # what never came with it, such as a validation, fills rows of its own
        before = other.row[: np.searchsorted(other.row, last)]
        if len(before) and not own[before].any():
            own_kind[other.row] = False
    return own_kind if len(kind.row) >= _ALIKE * own_kind[:last].sum() else None


def _alike(own: BoolArray, other: IntArray, last: int) -> bool:
    before = other[: np.searchsorted(other, last)]
    both = int(own[before].sum())
    return both >= _ALIKE * (int(own.sum()) + len(before) - both) and len(before) > 0


def _gap(column: Column, own_kind: BoolArray, attempt: IntArray) -> IntArray | None:
    last = int(column.row[-1]) + 1
    gap = own_kind & _mask(column.blank, len(own_kind)) & (attempt == attempt[last - 1])
    gap[:last] = False
    return np.flatnonzero(gap) if gap.sum() >= _FEWEST else None
