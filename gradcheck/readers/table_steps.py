"""Chooses the column that counts the steps of a table."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.model import FloatArray, IntArray, Role
from gradcheck.readers import role_names, table_history
from gradcheck.readers.table import BoolArray, Column, Table, TextColumn

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
_COUNTERS = frozenset(_STEPS + _EPOCHS)
# A column of text with one of these names tells rows of training from rows of validation.
SPLIT_COLUMNS = frozenset({"phase", "split", "mode", "stage", "subset", "set"})
_WRAPPED = ("global step", "step", "iteration", "iter", "epoch")
# What is counted in one of these groups, as `time/episodes`, is how far the whole run is.
_GROUPS = frozenset(
    {"time", "total", "totals", "rollout", "rollouts", "misc", "counter", "counters"}
    | {"progress", "global", "stats", "overall"}
)
_OF_A_PART = frozenset({"rollout", "rollouts"})
_THOUSANDS = frozenset({"progress kimg", "kimg"})
_INDEX = frozenset({"", "index", "unnamed 0"})
_NEARLY_ALL = 0.95
_MOSTLY = 0.8
_LARGEST = 2.0**62


@dataclass(frozen=True, eq=False)
class Axis:
    """The step of every row, and the columns used up for it."""

    step: IntArray
    columns: frozenset[str]
    notes: tuple[str, ...] = ()
    unit: str = "step"


def is_step_name(name: str) -> bool:
    """Whether a column of this name can count the steps."""
    return counted_by(name) in _COUNTERS


@functools.lru_cache(maxsize=role_names.REMEMBERED)
def counted_by(name: str) -> str:
    """The words of a name, less the group that a counter lies in: `time/episodes` is `episodes`."""
    words = _words(name)
    group, _, last = name.rpartition("/")
    if words in _COUNTERS or _words(group) not in _GROUPS:
        return words
    return _words(last)


def preference(name: str) -> tuple[str, int]:
    """What a counter of this name counts, "step" or "epoch", and its rank among the others."""
    words = counted_by(name)
    if words in _STEPS:
        return "step", _STEPS.index(words)
    rank = _EPOCHS.index(words) if words in _EPOCHS else len(_EPOCHS)
    return "epoch" if words in _EPOCHS else "step", len(_STEPS) + rank


def choose_axis(table: Table) -> Axis:
    """Choose what counts the steps: a column, or the rows where a column shows that they are told.

    A row without a step belongs to the step before it: such as a validation that names the epoch
    only, or a closing summary.

    Raises:
        NotALog: no column counts anything, and none is a loss whose rows could be counted.
    """
    candidates = _candidates(table)
    counting = [column for column in candidates if _varies(column)]
    whole = [column for column in counting if _is_integral(column)]
    if whole:
        return _axis(_of_training(whole[0], table), table)
    thousands = [column for column in counting if _words(column.name) in _THOUSANDS]
    if thousands:
        column = thousands[0]
        units = dataclasses.replace(column, value=np.round(column.value * 1000))
        return _axis(units, table)
    if candidates:
        why = "is fractional" if counting else "does not change"
        return _counted(table, f"{(counting or candidates)[0].name!r} {why}")
    unit = table_history.unit_of(table)
    if unit is not None:
        by = "by epoch" if unit == "epoch" else "of a training"
        return _counted(table, f"no step or epoch column, but a history {by}", unit)
    more = ", …" if len(table.header) > 12 else ""
    raise NotALog(f"no step or epoch column; columns: {', '.join(table.header[:12])}{more}")


def _candidates(table: Table) -> list[Column]:
    # Of several that sound alike the fullest, and the first of those: a damaged name is one row's.
    fullest = sorted(table.columns, key=lambda c: (-len(c.row), _counts_a_part(c.name)))
    by_words = {counted_by(column.name): column for column in reversed(fullest)}
    # A record may be wrapped in another: `metrics/step`, `metrics/loss`.
    wrapped = {_words(c.name.rpartition("/")[2]): c for c in reversed(fullest)}
    for words_of, counters in ((by_words, _STEPS + _EPOCHS), (wrapped, _WRAPPED)):
        named = [words_of[words] for words in counters if words in words_of]
        named = [column for column in named if len(column.row)]
        for share in (_NEARLY_ALL, 0.5):
            found = [column for column in named if column.share(table.rows) >= share]
            if found:
                return found
    first = table.columns[:1]
    return [column for column in first if _is_index(column, table.rows)]


def _counts_a_part(name: str) -> bool:
    return _words(name.partition("/")[0]) in _OF_A_PART


@functools.lru_cache(maxsize=role_names.REMEMBERED)
def _words(name: str) -> str:
    return " ".join(role_names.tokens(name))


def _is_index(column: Column, rows: int) -> bool:
    value = column.value
    if len(value) != rows or not rows or not (value == np.round(value)).all():
        return False
    strides = np.diff(value)
    means_nothing_else = role_names.meaning(column.name).role in (Role.OTHER, Role.EPOCH)
    even = means_nothing_else and len(strides) > 2 and bool((strides == strides[0]).all())
    return bool((strides > 0).all()) and (even or _words(column.name) in _INDEX)


def _varies(column: Column) -> bool:
    return len(column.value) < 3 or bool((column.value != column.value[0]).any())


def _is_integral(column: Column) -> bool:
    known = column.value[np.abs(column.value) < _LARGEST]
    # A damaged row may count anything; where fractions are meant, they are many.
    return len(known) > 0 and bool((known == np.round(known)).mean() >= _MOSTLY)


def _of_training(first: Column, table: Table) -> Column:
    """A counter, without the rows in which it counts something else than training.

    mmengine writes the epoch as the `step` of a validation, but no `iter` there; mmcv counts the
    batches of the validation itself where `mode` is "val".
    """
    back = _times_back(first.value)
    if not back:
        return first
    counters = [c for c in table.columns if c is not first and is_step_name(c.name)]
    own_rows = [c.row for c in counters if _is_part_of(c, first)]
    own_rows += [
        np.setdiff1d(first.row, texts.row[_of_validation(texts)])
        for texts in table.texts
        if texts.name.lower() in SPLIT_COLUMNS
    ]
    for row in own_rows:
        own = np.isin(first.row, row)
        if own.any() and not own.all() and _times_back(first.value[own]) <= back:
            return dataclasses.replace(first, row=first.row[own], value=first.value[own])
    return first


def _is_part_of(column: Column, whole: Column) -> bool:
    """Whether a column repeats some rows of another, and is not there in the rest."""
    if not len(column.row) or not np.isin(column.row, whole.row).all():
        return False
    return bool((whole.value[np.isin(whole.row, column.row)] == column.value).all())


def _of_validation(texts: TextColumn) -> BoolArray:
    words = {label: role_names.tokens(label) for label in set(texts.text)}
    spoken = {label for label, said in words.items() if role_names.VALIDATION.intersection(said)}
    return np.array([label in spoken for label in texts.text], dtype=np.bool_)


def _times_back(value: FloatArray) -> int:
    return int((np.diff(value) < 0).sum())


def _axis(column: Column, table: Table) -> Axis:
    step = _every_row(column, table.rows)
    unit = "epoch" if counted_by(column.name) in _EPOCHS else "step"
    first = table.columns[:1]
    used_up = {column.name, *(c.name for c in first if _is_index(c, table.rows))}
    epoch = next((c for c in table.columns if counted_by(c.name) in _EPOCHS and len(c.row)), None)
    if epoch is not None and epoch.name != column.name and _is_integral(epoch):
        epochs = _every_row(epoch, table.rows)
        if _restarts_with(step, epochs):
            note = f"{column.name!r} counts within each {epoch.name!r}: they are laid end to end"
            return Axis(_end_to_end(step, epochs), frozenset(used_up), (note,))
    return Axis(step, frozenset(used_up), unit=unit)


def _every_row(column: Column, rows: int) -> IntArray:
    """The step of each row: its own, else that of the last row before it which has one."""
    known = (np.abs(column.value) < _LARGEST) & (column.value == np.round(column.value))
    row, value = column.row[known], column.value[known]
    latest = np.searchsorted(row, np.arange(rows), side="right") - 1
    steps: IntArray = value[np.maximum(latest, 0)].astype(np.int64)
    return steps


def _counted(table: Table, why: str, unit: str = "epoch") -> Axis:
    """Count the rows of the loss, or of the fullest column where there is none."""
    losses = [c for c in table.columns if role_names.meaning(c.name).role is Role.LOSS]
    fullest = max(losses or table.columns, key=lambda column: len(column.row))
    told = np.zeros(table.rows, dtype=np.int64)
    told[fullest.row] = 1
    note = f"{why}: the rows are counted instead, from 0"
    return Axis(np.maximum(np.cumsum(told) - 1, 0), frozenset(), (note,), unit=unit)


def _restarts_with(step: IntArray, epoch: IntArray) -> bool:
    """Whether the step goes back whenever the epoch goes up, and only then."""
    back = np.diff(step) < 0
    return bool(back.any() and (back == (np.diff(epoch) > 0)).all())


def _end_to_end(step: IntArray, epoch: IntArray) -> IntArray:
    starts = np.flatnonzero(np.diff(epoch) > 0) + 1
    lengths = [int(part.max()) + 1 for part in np.split(step, starts)]
    offset = np.cumsum([0, *lengths[:-1]])
    laid: IntArray = step + np.repeat(offset, np.diff([0, *starts, len(step)]))
    return laid


def find_clock(columns: Sequence[Column]) -> Column | None:
    """The column that holds the seconds since 1970, if any does."""
    named = (column for column in columns if _words(column.name) in ("wall time", "timestamp"))
    return next(
        (column for column in named if len(column.value) and (column.value > 1e9).all()), None
    )
