"""Collects the records of a file of JSON lines into a table, whatever else is between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradcheck.errors import NotALog
from gradcheck.readers.json_cells import flatten, is_flat
from gradcheck.readers.json_text import lines_of, record_at, start_of_record
from gradcheck.readers.table import Table, TableBuilder

_LONG_LINE = 1 << 16
_MANY = 0.1


@dataclass(frozen=True, eq=False)
class Records:
    """The records of a file as a table, and what is to be said about the rest of it."""

    table: Table
    notes: tuple[str, ...]


@dataclass
class _Tally:
    lines: int = 0
    others: int = 0
    """Lines that are neither empty nor begin a record."""
    broken: int = 0
    """Lines that begin a record and do not end it; the last may have been cut short."""
    last_is_broken: bool = False
    left_out: int = 0
    why: str = ""

    def take_broken(self, why: str) -> None:
        """Count a record that does not end on its line."""
        self.broken += 1
        self.last_is_broken = True
        self.why = self.why or why


def read_records(file: Path) -> Records:
    """Read every line that is a record; the last one wins where a name comes twice in it.

    Raises:
        NotALog: no line is a record.
    """
    builder, tally = TableBuilder(), _Tally()
    for number, line in lines_of(file):
        tally.lines = number
        start = 0 if line.startswith("{") else start_of_record(line)
        if start < 0:
            tally.others += bool(line.strip("\0 \t\r"))
            continue
        tally.last_is_broken = False
        while start >= 0:
            try:
                record, end = record_at(line, start)
            except ValueError as error:
                tally.take_broken(f"line {number}: {error}")
                break
            # Only a name that is escaped or on a long line needs a second look.
            plain = len(line) < _LONG_LINE and "\\u" not in line
            cells: Mapping[str, Any] = record
            if not plain or not is_flat(record):
                cells, left_out = flatten(record)
                tally.left_out += left_out
            if not builder.add_numbers(number, cells):
                builder.add(number, cells)
            # Two processes may write to one file, and a crash may lose the end of a line.
            start = start_of_record(line, end) if end + 2 < len(line) else -1
    if not len(builder):
        why = f": {tally.why}" if tally.why else ""
        raise NotALog(f"no line is a whole JSON object{why}", broken=bool(tally.why))
    return Records(builder.finish(), _notes(tally, len(builder)))


def _notes(tally: _Tally, records: int) -> tuple[str, ...]:
    notes = []
    broken = tally.broken - tally.last_is_broken
    if broken:
        notes.append(f"{broken} damaged records passed over; the first: {tally.why}")
    if tally.others > _MANY * records:
        notes.append(f"{tally.others} of {tally.lines} lines are no JSON records: passed over")
    if tally.left_out:
        notes.append(f"{tally.left_out} values too deep or too many for one record: left out")
    return tuple(notes)
