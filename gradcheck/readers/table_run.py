"""Makes a run of a table: a series of each column, or of each split or tag in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.model import FloatArray, IntArray, Run, Series
from gradcheck.readers.table import Column, Table, TextColumn
from gradcheck.readers.table_gaps import restore_nan
from gradcheck.readers.table_steps import Axis, choose_axis, find_clock, is_step_name

# A column of text with these names tells rows of training from rows of validation ...
_SPLIT_COLUMNS = frozenset({"phase", "split", "mode", "stage", "subset", "set"})
# ... and one with these names says what the row's only value is.
_TAG_COLUMNS = frozenset({"tag", "metric", "name", "key", "variable"})


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
    series = tuple(
        series
        for column in columns
        if len(column.row) and not _repeats_the_step(column, axis)
        for series in _series(column, table, axis, clock)
    )
    if not series:
        names = ", ".join(table.header[:12]) + (", …" if len(table.header) > 12 else "")
        raise NotALog(f"no column of numbers beside the step; columns: {names}")
    return Run(path, format_name, series, notes=axis.notes + notes, unit=axis.unit, by_line=True)


def _repeats_the_step(column: Column, axis: Axis) -> bool:
    if not is_step_name(column.name):
        return False
    return bool((column.value == axis.step[column.row]).all())


def _series(column: Column, table: Table, axis: Axis, clock: Column | None) -> Iterator[Series]:
    for name, cells in _by_label(column, table):
        row = column.row[cells]
        wall = None if clock is None else _cells_at(clock, row)
        yield Series(name, table.line[row], axis.step[row], column.value[cells], wall)


def _cells_at(column: Column, row: IntArray) -> FloatArray:
    """What a column holds in some rows, NaN where it holds nothing."""
    place = np.minimum(np.searchsorted(column.row, row), len(column.row) - 1)
    return np.where(column.row[place] == row, column.value[place], np.nan)


def _by_label(column: Column, table: Table) -> Iterator[tuple[str, IntArray]]:
    """The series of a column: one for each split or tag that a column of text tells apart."""
    labels = next((texts for texts in table.texts if _tells_rows_apart(texts)), None)
    if labels is None:
        yield column.name, np.arange(len(column.row))
        return
    names = {label: code for code, label in enumerate(dict.fromkeys(labels.text))}
    code = np.full(table.rows, -1, dtype=np.int64)
    code[labels.row] = [names[label] for label in labels.text]
    code = code[column.row]
    by_code = np.argsort(code, kind="stable")
    found, starts = np.unique(code[by_code], return_index=True)
    told = ["", *names]
    for which, cells in zip(found.tolist(), np.split(by_code, starts[1:]), strict=True):
        yield _name(column.name, told[which + 1], labels.name), cells


def _tells_rows_apart(texts: TextColumn) -> bool:
    return texts.name.lower() in _TAG_COLUMNS | _SPLIT_COLUMNS


def _name(column: str, label: str, labels: str) -> str:
    if not label:
        return column
    return label if labels.lower() in _TAG_COLUMNS else f"{label}/{column}"
