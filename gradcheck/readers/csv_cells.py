"""Turns the text of a table into columns of numbers, keeping blank cells apart from NaN."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.readers.table import ABSENT, Column, Table, TextColumn, number

_HEAD = 1 << 16


def parse_table(data: bytes, value_name: str) -> Table:
    """Read a table; `value_name` is what it calls its value, or would if it had a header.

    Raises:
        NotALog: there is no table in the data.
    """
    header, numbered = _header_and_rows(_decode(data), value_name)
    line = np.array([number for number, _ in numbered], dtype=np.int64)
    read = [_column(name, [row[index] for _, row in numbered]) for index, name in enumerate(header)]
    columns = tuple(one for one in read if isinstance(one, Column) and len(one.row))
    texts = tuple(one for one in read if isinstance(one, TextColumn))
    return Table(line, columns, texts, header)


def parse_header(head: bytes, value_name: str) -> tuple[str, ...]:
    """The names of the columns, from the first bytes of a table."""
    return _header_and_rows(_decode(head), value_name)[0]


def has_header(head: bytes) -> bool:
    """Whether the first line of a table names its columns; so it does where there is no table."""
    try:
        text = _decode(head)
        first = next(iter(_rows(text, _delimiter(text))), None)
    except NotALog:
        return True
    return first is None or not _is_numbers(first[1])


def looks_like_table(head: bytes) -> bool:
    """Whether text begins with a delimited line of names and a line of as many numbers."""
    if b"\0" in head:
        return False
    text = _decode(head)
    rows = [row for _, row in _rows(text, _delimiter(text))][:2]
    if len(rows) < 2 or len(rows[0]) < 2 or len(rows[0]) != len(rows[1]):
        return False
    numbers = [cell for cell in rows[1] if cell not in ABSENT]
    return (
        all(number(cell) is None for cell in rows[0])
        and len(numbers) > 1
        and all(number(cell) is not None for cell in numbers)
    )


def _decode(data: bytes) -> str:
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if not utf16 and b"\0" in data[:4096]:
        raise NotALog("a binary file under the name of a table", broken=True)
    text = data.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")
    # A crash of the machine leaves NULs where the last lines were.
    return text.replace("\0", "")


def _header_and_rows(
    text: str, value_name: str
) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    rows = list(_rows(text, _delimiter(text)))
    if not rows:
        raise NotALog("the table is empty")
    first = rows[0][1]
    if _is_numbers(first):
        if len(first) != 2:
            raise NotALog(f"a table without a header line: it begins with {', '.join(first[:4])}")
        header = ["step", value_name]
    else:
        nameless = any(name.strip("# ").lower() in ("step", "wall time") for name in first)
        header = [
            value_name if nameless and name.lower() == "value" else name.strip("# ")
            for name in first
        ]
        rows = [(number, row) for number, row in rows[1:] if row != first]
    if rows and all(len(row) == len(header) + 1 and row[-1] for _, row in rows):
        header.insert(0, "")  # R writes no name above the row names
    if rows and len(rows[-1][1]) < len(header) and not text.endswith(("\n", "\r")):
        rows.pop()  # cut short by whatever killed the run
    width = len(header)
    return _unique(header), [(n, (row + [""] * (width - len(row)))[:width]) for n, row in rows]


def _is_numbers(cells: Sequence[str]) -> bool:
    return all(number(cell) is not None for cell in cells)


def _delimiter(text: str) -> str:
    start = (text.lstrip()[:_HEAD].splitlines() or [""])[0]
    counts = {d: len(next(csv.reader([start], delimiter=d), [])) for d in ",;\t"}
    best = max(counts, key=lambda delimiter: counts[delimiter])
    return best if counts[best] > 1 else " " if " " in start.strip() else ","


def _rows(text: str, delimiter: str) -> Iterable[tuple[int, list[str]]]:
    """The rows that hold something, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    refused: str | None = None
    found = False
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:  # a cell too long to be one: the rows after it are sound
            refused = refused or f"line {reader.line_num}: {error}"
            continue
        if row is None:
            break
        cells = [cell.strip() for cell in row]
        if any(cells) and not cells[0].startswith("#{"):  # SB3's monitor begins with JSON
            found = True
            yield reader.line_num, cells
    if refused is not None and not found:
        raise NotALog(f"not a table: {refused}", broken=True)


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    names = []
    for name in header:
        seen[name] = seen.get(name, -1) + 1
        names.append(f"{name}.{seen[name]}" if seen[name] else name)
    return tuple(names)


def _column(name: str, cells: Sequence[str]) -> Column | TextColumn:
    """A column of numbers, or of text if it holds mostly that or nothing."""
    row = np.flatnonzero(np.array([cell not in ABSENT for cell in cells], dtype=np.bool_))
    filled = [cell for cell in cells if cell not in ABSENT]
    blank = np.flatnonzero(np.array([cell == "" for cell in cells], dtype=np.bool_))
    try:
        return Column(name, row, np.array(filled, dtype=np.float64), blank)
    except ValueError:
        numbers = [number(cell) for cell in filled]
    known = np.array([number is not None for number in numbers], dtype=np.bool_)
    if 2 * int(known.sum()) <= len(filled):
        return TextColumn(name, row, tuple(filled))
    value = np.array([number for number in numbers if number is not None], dtype=np.float64)
    return Column(name, row[known], value, blank)
