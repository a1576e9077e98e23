"""Reads tables of numbers: Lightning, Keras, Ultralytics, SB3, AlgoPerf, W&B exports, any CSV."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.model import Run, Series
from gradcheck.readers import csv_layout
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.csv_cells import BoolArray, Column, Table, looks_like_table, parse_table
from gradcheck.readers.csv_gaps import restore_nan
from gradcheck.readers.csv_steps import Axis, choose_axis, find_clock, is_step_name

# A column of text with these names tells rows of training from rows of validation ...
_SPLIT_COLUMNS = frozenset({"phase", "split", "mode", "stage", "subset", "set"})
# ... and one with these names says what the row's only value is.
_TAG_COLUMNS = frozenset({"tag", "metric", "name", "key", "variable"})


class _CsvTables:
    def claims(self, candidate: Candidate) -> bool:
        suffix = candidate.path.suffix.lower()
        if suffix in (".log", ".txt"):
            return looks_like_table(candidate.head)
        return suffix in (".csv", ".tsv")

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        return csv_layout.group(files, root)

    def read(self, source: Source) -> Run:
        if len(source.files) == 1:
            return _read_file(source.files[0], source.path)
        return _joined(source.path, [_attempt(file) for file in source.files])


READER: Reader = _CsvTables()


def _attempt(file: Path) -> Run:
    try:
        return _read_file(file, file)
    except NotALog as error:
        return Run(file, "csv", (), notes=(str(error),))


def _read_file(file: Path, run: Path) -> Run:
    table = parse_table(file.read_bytes(), csv_layout.metric_of(file))
    axis = choose_axis(table)
    clock = find_clock(table.columns)
    used_up = axis.columns | {clock.name if clock else ""}
    columns = [column for column in table.columns if column.name not in used_up]
    columns, notes = restore_nan(_of_run(columns, file, run), axis)
    series = tuple(
        series
        for column in columns
        if not _repeats_the_step(column, axis)
        for series in _series(column, table, axis, clock)
    )
    if not series:
        names = ", ".join(table.header)
        raise NotALog(f"no column of numbers beside the step; columns: {names}")
    return Run(run, "csv", series, notes=axis.notes + notes, unit=axis.unit)


def _of_run(columns: list[Column], file: Path, run: Path) -> list[Column]:
    """The columns of one run of a W&B export, under the names of their metrics."""
    runs = csv_layout.runs_of(column.name for column in columns)
    for name, metrics in runs.items():
        if run in (file / name, file):
            return [
                dataclasses.replace(column, name=metrics[column.name])
                for column in columns
                if column.name in metrics
            ]
    return columns


def _repeats_the_step(column: Column, axis: Axis) -> bool:
    same = (column.value[axis.rows] == axis.step[axis.rows]).all()
    return is_step_name(column.name) and bool(same)


def _series(column: Column, table: Table, axis: Axis, clock: Column | None) -> Iterator[Series]:
    for name, rows in _by_label(column.name, table):
        keep = axis.rows & column.logged & rows
        if keep.any():
            yield Series(
                name,
                table.line[keep],
                axis.step[keep],
                column.value[keep],
                None if clock is None else clock.value[keep],
            )


def _by_label(name: str, table: Table) -> Iterator[tuple[str, BoolArray]]:
    """The series of a column: one for each split or tag that a column of text tells apart."""
    for text, labels in table.texts.items():
        tagged = text.lower() in _TAG_COLUMNS
        if not tagged and text.lower() not in _SPLIT_COLUMNS:
            continue
        for label in dict.fromkeys(labels):
            rows = np.array([other == label for other in labels], dtype=np.bool_)
            yield label if tagged else f"{label}/{name}", rows
        return
    yield name, np.ones(len(table.line), dtype=np.bool_)


def _joined(path: Path, tables: Sequence[Run]) -> Run:
    """The tables of a directory as one run; names that several have begin with their split."""
    notes = [f"{table.path.name}: {note}" for table in tables for note in table.notes]
    counts = Counter(one.name for table in tables for one in table.series)
    split = csv_layout.is_split([table.path for table in tables])
    series: dict[str, Series] = {}
    for table in tables:
        for one in table.series:
            shared = split and counts[one.name] > 1
            name = f"{csv_layout.split_of(table.path)}/{one.name}" if shared else one.name
            if name in series:
                notes.append(f"{table.path.name} repeats {name}")
            series.setdefault(name, dataclasses.replace(one, name=name))
    if not series:
        raise NotALog("; ".join(notes))
    return Run(path, "csv", tuple(series.values()), notes=tuple(notes))
