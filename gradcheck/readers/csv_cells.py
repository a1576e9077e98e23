"""Turns the text of a table into columns of numbers, keeping blank cells apart from NaN."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.readers.csv_blocks import parse_plain
from gradcheck.readers.csv_rows import (
    decode,
    delimiter_of,
    is_numbers,
    names_of,
    rows_of,
    told_apart,
)
from gradcheck.readers.table import ABSENT, Column, Table, TextColumn, number

_LARGE = 2_000_000  # bytes: below, importing pandas costs more than it saves


def parse_table(data: bytes, value_name: str) -> Table:
    """Read a table; `value_name` is what it calls its value, or would if it had a header.

    Raises:
        NotALog: there is no table in the data.
    """
    plain = parse_plain(data, value_name) if len(data) >= _LARGE else None
    return parse_any(data, value_name) if plain is None else plain


def parse_any(data: bytes, value_name: str) -> Table:
    """As `parse_table`, but the slow way, which knows all that tables may hold."""
    header, numbered = _header_and_rows(decode(data), value_name)
    line = np.array([number for number, _ in numbered], dtype=np.int64)
    cells = itertools.zip_longest(*(row for _, row in numbered), fillvalue="")
    # What holds nothing costs nothing more: a damaged header may have any width.
    read = [_column(name, cell) for name, cell in zip(header, cells, strict=False) if any(cell)]
    columns = tuple(one for one in read if isinstance(one, Column) and len(one.row))
    texts = tuple(one for one in read if isinstance(one, TextColumn))
    return Table(line, columns, texts, header)


def parse_header(head: bytes, value_name: str) -> tuple[str, ...]:
    """The names of the columns, from the first bytes of a table."""
    return _header_and_rows(decode(head), value_name)[0]


def has_header(head: bytes) -> bool:
    """Whether the first line of a table names its columns; so it does where there is no table."""
    try:
        text = decode(head)
        first = next(iter(rows_of(text, delimiter_of(text))), None)
    except NotALog:
        return True
    return first is None or not is_numbers(first[1])


@functools.lru_cache(maxsize=1)  # several readers ask, one after the other
def looks_like_table(head: bytes) -> bool:
    """Whether text begins with a delimited line of names and a line of as many numbers."""
    if b"\0" in head:
        return False
    text = decode(head)
    rows = [row for _, row in rows_of(text, delimiter_of(text))][:2]
    if len(rows) < 2 or len(rows[0]) < 2 or len(rows[0]) != len(rows[1]):
        return False
    numbers = [cell for cell in rows[1] if cell not in ABSENT]
    return (
        all(number(cell) is None for cell in rows[0])
        and len(numbers) > 1
        and all(number(cell) is not None for cell in numbers)
    )


def _header_and_rows(
    text: str, value_name: str
) -> tuple[tuple[str, ...], list[tuple[int, list[str]]]]:
    rows = list(rows_of(text, delimiter_of(text)))
    if not rows:
        raise NotALog("the table is empty")
    first = rows[0][1]
    header = names_of(first, value_name)
    if not is_numbers(first):
        rows = [(number, row) for number, row in rows[1:] if row != first]
    if rows and all(len(row) == len(header) + 1 and row[-1] for _, row in rows):
        header.insert(0, "")  # R writes no name above the row names
    if rows and len(rows[-1][1]) < len(header) and not text.endswith(("\n", "\r")):
        rows.pop()  # cut short by whatever killed the run
    return told_apart(header), rows


def _column(name: str, cells: Sequence[str]) -> Column | TextColumn:
    """A column of numbers, or of text if it holds mostly that or nothing."""
    row = np.flatnonzero(np.array([cell not in ABSENT for cell in cells], dtype=np.bool_))
    filled = [cell for cell in cells if cell not in ABSENT]
    blank = np.flatnonzero(np.array([cell == "" for cell in cells], dtype=np.bool_))
    try:
        value = np.fromiter(map(float, filled), np.float64, len(filled))
        return Column(name, row, value, blank)
    except ValueError:
        numbers = [number(cell) for cell in filled]
    known = np.array([number is not None for number in numbers], dtype=np.bool_)
    if 2 * int(known.sum()) <= len(filled):
        return TextColumn(name, row, tuple(filled))
    value = np.array([number for number in numbers if number is not None], dtype=np.float64)
    return Column(name, row[known], value, blank)
