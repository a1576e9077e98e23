"""Chooses the column that counts the steps of a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.model import FloatArray, IntArray, Role
from gradcheck.readers import role_names
from gradcheck.readers.csv_cells import BoolArray, Column, Table

# In order of preference, as the words of the name: what counts the whole run comes first.
_STEPS = (
    "trainer global step", "train global step", "global step", "step", "steps", "iteration",
    "iterations", "iter", "iters", "itr", "it", "num updates", "updates", "update", "update step",
    "current steps", "time total timesteps", "misc total timesteps", "total timesteps",
    "timesteps total", "num timesteps", "timesteps", "timestep", "env step", "env steps",
    "training iteration", "train iter", "batch", "batches", "batch idx", "progress kimg", "kimg",
    "time iterations", "nupdates", "n updates", "consumed samples", "num samples", "samples",
    "tokens seen", "num input tokens seen",
)  # fmt: skip
_EPOCHS = (
    "epoch", "epochs", "trainer epoch", "train epoch", "epoch num", "epoch number", "epoch idx",
    "e", "ep", "round", "episode", "episodes", "num episodes", "generation",
)  # fmt: skip
_INDEX = frozenset({"", "index", "unnamed 0"})
_NEARLY_ALL = 0.95
_LARGEST = 2.0**62


@dataclass(frozen=True, eq=False)
class Axis:
    """The step of every row, the rows that have one, and the columns used up for it."""

    step: IntArray
    rows: BoolArray
    columns: frozenset[str]
    notes: tuple[str, ...] = ()
    unit: str = "step"


def is_step_name(name: str) -> bool:
    """Whether a column of this name can count the steps."""
    words = _words(name)
    return words in _STEPS or words in _EPOCHS


def choose_axis(table: Table) -> Axis:
    """Choose the step column.

    Raises:
        NotALog: no column counts anything, and none is a loss whose rows could be counted.
    """
    candidates = _candidates(table)
    varying = [column for column in candidates if _varies(column)]
    if varying:
        return _axis(varying[0], table)
    if candidates:
        return _numbered_rows(table, f"{candidates[0].name!r} does not change")
    if not table.texts and _is_history(table):
        return _numbered_rows(table, "no step or epoch column, but a history by epoch")
    more = ", …" if len(table.header) > 12 else ""
    raise NotALog(f"no step or epoch column; columns: {', '.join(table.header[:12])}{more}")


def _candidates(table: Table) -> list[Column]:
    by_words = {_words(column.name): column for column in reversed(table.columns)}
    named = [by_words[words] for words in _STEPS + _EPOCHS if words in by_words]
    full = [column for column in named if column.logged.mean() >= _NEARLY_ALL]
    found = full or [column for column in named if column.logged.mean() >= 0.5]
    first = table.columns[:1]
    return found or [column for column in first if _is_index(column)]


def _words(name: str) -> str:
    return " ".join(role_names.tokens(name))


def _is_index(column: Column) -> bool:
    value = column.value
    if not (column.logged.all() and (value == np.round(value)).all()):
        return False
    strides = np.diff(value)
    even = len(strides) > 2 and bool((strides == strides[0]).all())
    return bool((strides > 0).all()) and (even or _words(column.name) in _INDEX)


def _varies(column: Column) -> bool:
    value = column.value[column.logged]
    return len(value) < 3 or bool((value != value[0]).any())


def _is_history(table: Table) -> bool:
    """Whether it looks like Keras' `History`: a row for every epoch, not numbered."""
    roles = {role_names.meaning(column.name).role for column in table.columns}
    return {Role.LOSS, Role.VALIDATION_LOSS} <= roles


def _axis(column: Column, table: Table) -> Axis:
    rows = column.logged & (np.abs(column.value) < _LARGEST)
    value = np.where(rows, column.value, 0.0)
    if (value != np.round(value)).any():
        return _numbered_rows(table, f"{column.name!r} is fractional")
    unit = "epoch" if _words(column.name) in _EPOCHS else "step"
    used_up = frozenset({column.name, *(c.name for c in table.columns[:1] if _is_index(c))})
    epoch = next((c for c in table.columns if _words(c.name) in _EPOCHS), None)
    if epoch is not None and epoch is not column and _restarts_with(value[rows], epoch.value[rows]):
        value[rows] = _end_to_end(value[rows], epoch.value[rows])
        note = f"{column.name!r} counts within each {epoch.name!r}: they are laid end to end"
        return Axis(value.astype(np.int64), rows, used_up, (note,))
    return Axis(value.astype(np.int64), rows, used_up, unit=unit)


def _numbered_rows(table: Table, why: str) -> Axis:
    count = len(table.line)
    note = f"{why}: the rows are counted instead, from 0"
    every = np.ones(count, dtype=np.bool_)
    return Axis(np.arange(count), every, frozenset(), (note,), unit="epoch")


def _restarts_with(step: FloatArray, epoch: FloatArray) -> bool:
    """Whether the step goes back whenever the epoch goes up, and only then."""
    back = np.diff(step) < 0
    return bool(back.any() and (back == (np.diff(epoch) > 0)).all())


def _end_to_end(step: FloatArray, epoch: FloatArray) -> FloatArray:
    starts = np.flatnonzero(np.diff(epoch) > 0) + 1
    lengths = [float(part.max()) + 1 for part in np.split(step, starts)]
    offset = np.concatenate(([0.0], np.cumsum(lengths[:-1])))
    laid: FloatArray = step + np.repeat(offset, np.diff([0, *starts, len(step)]))
    return laid


def find_clock(columns: Sequence[Column]) -> Column | None:
    """The column that holds the seconds since 1970, if any does."""
    named = (column for column in columns if _words(column.name) in ("wall time", "timestamp"))
    return next((column for column in named if (column.value[column.logged] > 1e9).all()), None)
