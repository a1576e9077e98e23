"""Splits the text of a table into its header and its rows of cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from gradcheck.errors import NotALog
from gradcheck.readers.table import number

_HEAD = 1 << 16
BINARY = 4096
"""In how many of the first bytes a NUL says that a file is no text."""
UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""With what UTF-16 begins."""


def decode(data: bytes) -> str:
    """The text of a table.

    Raises:
        NotALog: the data is not text.
    """
    utf16 = data.startswith(UTF16)
    if not utf16 and b"\0" in data[:BINARY]:
        raise NotALog("a binary file under the name of a table", broken=True)
    text = data.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")
    # A crash of the machine leaves NULs where the last lines were.
    return text.replace("\0", "")


def delimiter_of(text: str) -> str:
    """What separates the cells of a table, as its first line tells it."""
    start = (text.lstrip()[:_HEAD].splitlines() or [""])[0]
    counts = {d: len(next(csv.reader([start], delimiter=d), [])) for d in ",;\t"}
    best = max(counts, key=lambda delimiter: counts[delimiter])
    return best if counts[best] > 1 else " " if " " in start.strip() else ","


def rows_of(text: str, delimiter: str) -> Iterable[tuple[int, list[str]]]:
    """The rows that hold something, each with the number of its last line.

    Raises:
        NotALog: a cell is too long, and there is no row beside the header without such a cell.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    refused: str | None = None
    found = 0
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
            found += 1
            yield reader.line_num, cells
    if refused is not None and found < 2:
        raise NotALog(f"not a table: {refused}", broken=True)


def names_of(first: Sequence[str], value_name: str) -> list[str]:
    """The names of the columns of a table that begins with this row.

    Raises:
        NotALog: the row names nothing, and the table is not one of steps and values.
    """
    if is_numbers(first):
        if len(first) != 2:
            raise NotALog(f"a table without a header line: it begins with {', '.join(first[:4])}")
        return ["step", value_name]
    nameless = any(name.strip("# ").lower() in ("step", "wall time") for name in first)
    return [
        value_name if nameless and name.lower() == "value" else name.strip("# ") for name in first
    ]


def is_numbers(cells: Sequence[str]) -> bool:
    """Whether a row is no header."""
    return all(number(cell) is not None for cell in cells)


def told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """The names, those that repeat an earlier one with a number behind."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, -1) + 1
        unique.append(f"{name}.{seen[name]}" if seen[name] else name)
    return tuple(unique)
