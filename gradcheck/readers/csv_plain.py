"""Finds the cells of a large plain table: one without quotes, whose rows are all of one width."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gradcheck.errors import NotALog
from gradcheck.model import IntArray
from gradcheck.readers.csv_rows import (
    UTF16,
    decode,
    delimiter_of,
    is_numbers,
    names_of,
    rows_of,
    told_apart,
)
from gradcheck.readers.table import ABSENT, number

_HEAD = 1 << 18  # `delimiter_of` looks at 65,536 characters, each of four bytes at most
_BLOCK = 1 << 22
_TAIL = 1 << 12
_MOST_HEADERS = 256  # every one ends a block, and a block costs milliseconds
_BOM = b"\xef\xbb\xbf"
_NOT_PLAIN = (b'"', b"#{", _BOM)
_LINE = re.compile(rb"[^\r\n]*(\r\n|\n|\r)")


class NotPlain(Exception):
    """Only the reader of any table can read this one."""


@dataclass(frozen=True)
class Layout:
    """Where the rows of a plain table lie in its file, and what separates their cells."""

    names: tuple[str, ...]
    delimiter: str
    line_end: bytes
    header: bytes
    """The line that names the columns, without its end; empty if there is none."""
    marks: dict[int, str]
    """Cells of the header, by column, that are neither a number nor absent."""
    begin: int
    end: int
    """Where the last row ends, not counting the end of its line."""
    line: int
    """The number of the line of the first row."""


@dataclass(frozen=True, eq=False)
class Block:
    """Some whole rows, and what ends their cells."""

    data: bytes
    end: IntArray
    """Where the delimiter or newline after each cell lies, shape (rows, columns)."""
    line: int
    """The number of the line of its first row."""
    line_end: bytes

    def places(self, column: int) -> tuple[IntArray, IntArray]:
        """Where the cells of a column begin and end."""
        end = self.end[:, column]
        if column == self.end.shape[1] - 1:
            end = end - (len(self.line_end) - 1)
        if column:
            return self.end[:, column - 1] + 1, end
        return np.concatenate(([0], self.end[:-1, -1] + 1)), end

    def columns_with(self, letters: bytes) -> set[int]:
        """The columns in which one of these letters is."""
        found = [ord(one) for one in letters.decode() if one.encode() in self.data]
        if not found:
            return set()
        places = np.flatnonzero(np.isin(np.frombuffer(self.data, dtype=np.uint8), found))
        cells = np.searchsorted(self.end.ravel(), places)
        return set(np.unique(cells % self.end.shape[1]).tolist())

    def cells(self, begin: IntArray, end: IntArray) -> list[str]:
        """What the cells at these places say."""
        places = zip(begin.tolist(), end.tolist(), strict=True)
        return [
            self.data[begin:end].decode("utf-8", errors="replace").strip() for begin, end in places
        ]


def layout_of(data: bytes, value_name: str) -> Layout:
    """How a table is laid out; `value_name` as for `csv_cells.parse_table`.

    Raises:
        NotPlain: it is not plain, or may not be.
    """
    newline = data.find(b"\n", _HEAD)
    head = data[: (newline if newline >= 0 else data.rfind(b"\n")) + 1]
    if not head or data.startswith(UTF16) or b"\0" in data:
        raise NotPlain
    text = decode(head)
    delimiter = delimiter_of(text)
    try:
        line, first = next(iter(rows_of(text, delimiter)), (0, []))
        names = told_apart(names_of(first, value_name))
    except NotALog as error:
        raise NotPlain from error
    header, begin, line_end = _line(head, line)
    is_alone = [row for _, row in rows_of(decode(header), delimiter)] == [first]
    if len(first) < 2 or delimiter == " " or line_end == b"\r" or not is_alone:
        raise NotPlain
    if is_numbers(first):
        begin, line, header, marks = begin - len(header) - len(line_end), line - 1, b"", {}
    else:
        cells = enumerate(first)
        marks = {n: cell for n, cell in cells if number(cell) is None and cell not in ABSENT}
    end = _end(data, begin, delimiter, len(names))
    if (header and not marks) or any(_within(data, odd, begin, end) for odd in _NOT_PLAIN):
        raise NotPlain
    header = header.removeprefix(_BOM)
    return Layout(names, delimiter, line_end, header, marks, begin, end, line + 1)


def _line(head: bytes, number: int) -> tuple[bytes, int, bytes]:
    """The line of this number, where the next begins, and how it ends."""
    for count, found in enumerate(_LINE.finditer(head), 1):
        if count == number:
            return head[found.start() : found.start(1)], found.end(), found[1]
    raise NotPlain


def _within(data: bytes, odd: bytes, begin: int, end: int) -> bool:
    """Whether this is there; the search for one byte is many times as fast as that for more."""
    return data.find(odd[:1], begin, end) >= 0 and data.find(odd, begin, end) >= 0


def _end(data: bytes, begin: int, delimiter: str, width: int) -> int:
    """Where the last row ends, leaving out one that was cut short."""
    tail = data[-_TAIL:]
    end = len(data) - len(tail) + len(tail.rstrip(b"\r\n"))
    if end < len(data):
        return end
    last = data.rfind(b"\n", begin, end) + 1
    if not last or data.count(delimiter.encode(), last, end) >= width - 1:
        return end
    return last - (2 if data.endswith(b"\r\n", 0, last) else 1)


def blocks_of(data: bytes, layout: Layout) -> Iterator[Block]:
    """The rows of a table, some megabytes at a time.

    Raises:
        NotPlain: the rows are not of one width, or something else is unusual.
    """
    line = layout.line
    for begin, end in _between_headers(data, layout):
        at = begin
        while at < end:
            newline = data.find(b"\n", at + _BLOCK, end)
            stop = newline + 1 or end
            block = _block(data[at:stop], layout, line)
            yield block
            line += len(block.end)
            at = stop
        line += 1


def _between_headers(data: bytes, layout: Layout) -> Iterator[tuple[int, int]]:
    """The stretches of rows between the headers that a restart wrote again."""
    again = b"\n" + layout.header + layout.line_end
    begin = layout.begin
    for _ in range(_MOST_HEADERS):
        at = data.find(again, begin - 1, layout.end) if layout.header else -1
        if at < 0:
            yield begin, layout.end
            return
        yield begin, at + 1
        begin = at + len(again)
    raise NotPlain


def _block(data: bytes, layout: Layout, line: int) -> Block:
    if not data.endswith(b"\n"):
        data += layout.line_end
    byte = np.frombuffer(data, dtype=np.uint8)
    newline, delimiter = byte == ord("\n"), byte == ord(layout.delimiter)
    rows, width = np.count_nonzero(newline), len(layout.names)
    if np.count_nonzero(delimiter) != rows * (width - 1):
        raise NotPlain
    end = np.flatnonzero(newline | delimiter).reshape(rows, width)
    if not newline[end[:, -1]].all() or _has_odd_ends(data, byte, end[:, -1], layout):
        raise NotPlain
    longest = csv.field_size_limit()
    if _widest(end[:, -1]) > longest and _widest(end.ravel()) > longest:
        raise NotPlain
    sign = np.flatnonzero(byte == ord("+"))
    if (byte[sign - 1] | 0x20 != ord("e")).any():
        raise NotPlain  # pandas 3.1 may be off by a bit where a number begins so
    return Block(data, end, line, layout.line_end)


def _widest(end: IntArray) -> int:
    return int(np.diff(end, prepend=-1).max())


def _has_odd_ends(data: bytes, byte: npt.NDArray[np.uint8], end: IntArray, layout: Layout) -> bool:
    """Whether some lines, whose newlines lie at `end`, end otherwise than the header."""
    if layout.line_end == b"\n":
        return b"\r" in data
    return data.count(b"\r") != len(end) or bool((byte[end - 1] != ord("\r")).any())
