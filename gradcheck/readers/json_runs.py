"""Makes runs of JSON records: settings apart, rows counted where nothing else counts them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Run, Series
from gradcheck.readers.csv_layout import split_of
from gradcheck.readers.json_records import Records
from gradcheck.readers.json_settings import counted, take_settings
from gradcheck.readers.table import Table
from gradcheck.readers.table_run import run_of


def run_of_records(records: Records, path: Path, notes: tuple[str, ...] = ()) -> Run:
    """The run that JSON lines log.

    Raises:
        NotALog: nothing counts the steps, or nothing is counted.
    """
    return run_of_rows(records.table, path, "jsonl", notes=records.notes + notes)


def run_of_rows(
    table: Table,
    path: Path,
    format_name: str,
    *,
    hparams: Mapping[str, object] | None = None,
    notes: tuple[str, ...] = (),
) -> Run:
    """The run that a table of JSON records logs.

    Raises:
        NotALog: nothing counts the steps, or nothing is counted.
    """
    table, settings = take_settings(table)
    table, count = counted(table)
    run = run_of(table, path, format_name)
    known = {**settings, **(hparams or {})}
    return dataclasses.replace(
        run,
        hparams=known,
        notes=notes + count + run.notes,
        by_line=format_name == "jsonl",  # the rows of a document are not its lines
    )


def joined(path: Path, parts: Sequence[Run]) -> Run:
    """The files of one run as one; names that several of them have begin with their split.

    Raises:
        NotALog: none of them holds a series.
    """
    counts = Counter(one.name for part in parts for one in part.series)
    series: dict[str, Series] = {}
    for part in parts:
        for one in part.series:
            name = f"{split_of(part.path)}/{one.name}" if counts[one.name] > 1 else one.name
            series.setdefault(name, dataclasses.replace(one, name=name))
    notes = tuple(f"{part.path.name}: {note}" for part in parts for note in part.notes)
    if not series:
        raise NotALog("; ".join(notes))
    hparams = {name: value for part in parts for name, value in part.hparams.items()}
    kind = next(part.format for part in parts if part.series)
    units = {part.unit for part in parts if part.series}
    unit = units.pop() if len(units) == 1 else "step"
    return Run(path, kind, tuple(series.values()), hparams=hparams, notes=notes, unit=unit)
