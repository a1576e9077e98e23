"""Makes a run of a table: a series of each column, or of each split or tag in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.model import FloatArray, IntArray, Run, Series
from gradcheck.readers import role_names
from gradcheck.readers.table import Column, Table
from gradcheck.readers.table_gaps import restore_nan
from gradcheck.readers.table_steps import SPLIT_COLUMNS, Axis, choose_axis, find_clock, is_step_name

# A column of text with one of these names says what the row's only value is.
_TAG_COLUMNS = frozenset({"tag", "metric", "name", "key", "variable"})
_MOST_LABELS = 1000


@dataclass(frozen=True, eq=False)
class _Labels:
    """What a column of text calls each row."""

    names: tuple[str, ...]
    """The labels; the first, which is empty, is that of rows without one."""
    code: IntArray
    """For each row of the table the place of its label among the names."""
    are_tags: bool


def run_of(table: Table, path: Path, format_name: str) -> Run:
    """The run that a table logs, roles not yet assigned.

    Raises:
        NotALog: nothing counts the steps, or nothing is counted.
    """
    axis = choose_axis(table)
    clock = find_clock(table.columns)
    used_up = axis.columns | {clock.name if clock else ""}
    columns = [column for column in table.columns if column.name not in used_up]
    columns, notes = restore_nan(columns, axis)
    labels = _labels(table, [c for c in columns if not is_step_name(c.name)])
    series = tuple(
        series
        for column in columns
        if len(column.row) and not _repeats_the_step(column, axis)
        for series in _series(column, table, axis, clock, labels)
    )
    if not series:
        names = ", ".join(table.header[:12]) + (", …" if len(table.header) > 12 else "")
        raise NotALog(f"no column of numbers beside the step; columns: {names}")
    return Run(path, format_name, series, notes=axis.notes + notes, unit=axis.unit, by_line=True)


def _repeats_the_step(column: Column, axis: Axis) -> bool:
    if not is_step_name(column.name):
        return False
    return bool((column.value == axis.step[column.row]).all())


def _series(
    column: Column, table: Table, axis: Axis, clock: Column | None, labels: _Labels | None
) -> Iterator[Series]:
    for name, cells in _by_label(column, labels):
        row, value = column.row, column.value
        if cells is not None:
            row, value = row[cells], value[cells]
        wall = None if clock is None else _cells_at(clock, row)
        if len(row) == table.rows and (row == np.arange(table.rows)).all():
            yield Series(name, table.line, axis.step, value, wall)  # shared, as they are large
        else:
            yield Series(name, table.line[row], axis.step[row], value, wall)


def _cells_at(column: Column, row: IntArray) -> FloatArray:
    """What a column holds in some rows, NaN where it holds nothing."""
    place = np.minimum(np.searchsorted(column.row, row), len(column.row) - 1)
    return np.where(column.row[place] == row, column.value[place], np.nan)


def _labels(table: Table, metrics: Sequence[Column]) -> _Labels | None:
    """The splits or tags that a column of text gives to the rows."""
    for texts in table.texts:
        is_tag = texts.name.lower() in _TAG_COLUMNS
        if not is_tag and texts.name.lower() not in SPLIT_COLUMNS:
            continue
        names = tuple(dict.fromkeys(texts.text))
        if (is_tag and len(metrics) > 1) or len(names) > _MOST_LABELS:
            continue  # the name of the run, of the sample, …
        if len(names) == 1 and len(texts.row) == table.rows and not (is_tag or _is_split(names[0])):
            continue  # `"mode": "selfplay"` in every row tells nothing apart
        codes = {label: code for code, label in enumerate(names, 1)}
        code = np.zeros(table.rows, dtype=np.int64)
        code[texts.row] = [codes[label] for label in texts.text]
        return _Labels(("", *names), code, is_tag)
    return None


def _is_split(label: str) -> bool:
    words = role_names.tokens(label)
    return not (role_names.TRAINING | role_names.VALIDATION).isdisjoint(words)


def _by_label(column: Column, labels: _Labels | None) -> Iterator[tuple[str, IntArray | None]]:
    """The series of a column and its cells in each: one for each split or tag that a text tells.

    None for all cells, where no text tells them apart.
    """
    if labels is None:
        yield column.name, None
        return
    code = labels.code[column.row]
    by_code = np.argsort(code, kind="stable")
    found, starts = np.unique(code[by_code], return_index=True)
    for which, cells in zip(found.tolist(), np.split(by_code, starts[1:]), strict=True):
        label = labels.names[which]
        told = label if labels.are_tags else f"{label}/{column.name}"
        yield told if label else column.name, cells
