"""Reads tables of numbers: Lightning, Keras, Ultralytics, SB3, AlgoPerf, W&B exports, any CSV."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Run, Series
from gradcheck.readers import csv_layout, number_rows
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.csv_cells import looks_like_table, parse_table
from gradcheck.readers.table import Table
from gradcheck.readers.table_run import run_of


class _CsvTables:
    def claims(self, candidate: Candidate) -> bool:
        suffix = candidate.path.suffix.lower()
        if suffix in (".log", ".txt"):
            return looks_like_table(candidate.head)
        # With one value beside the step it is a table of torchrl's, named by its file.
        return suffix in (".csv", ".tsv") and number_rows.width_of(candidate.head) < 2

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
    return run_of(_of_run(table, file, run), run, "csv")


def _of_run(table: Table, file: Path, run: Path) -> Table:
    """The columns of one run of a W&B export, under the names of their metrics."""
    runs = csv_layout.runs_of(table.header)
    name = next((name for name in runs if run in (file / name, file)), None)
    if name is None:
        return _with_full_names(table, file)
    metrics = runs[name]
    columns = tuple(
        dataclasses.replace(column, name=metrics.get(column.name, column.name))
        for column in table.columns
        if column.name in metrics or csv_layout.counts(column.name)
    )
    return dataclasses.replace(table, columns=columns)


def _with_full_names(table: Table, file: Path) -> Table:
    columns = tuple(
        dataclasses.replace(column, name=csv_layout.full_name(column.name, file))
        for column in table.columns
    )
    return dataclasses.replace(table, columns=columns)


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
