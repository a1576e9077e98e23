"""What every log of rows becomes: a table whose columns keep only the cells that were logged."""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gradcheck.model import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]
Cell = float | str | None
"""A number; a text, which may be that of a number; None where a row says that it has no value."""

ABSENT = frozenset(
    {"", "-", "--", "NA", "na", "N/A", "n/a", "<NA>", "None", "none", "null", "NULL", "Null"}
)
"""How writers say that there is no value, which is not the same as NaN."""
_MOST_BLOCKS = 256
_LONGEST_TEXT = 400  # what is longer names no split and no tag
_TENSOR = re.compile(r"tensor\(\s*\[?([^,\])]+)")


@dataclass(frozen=True, eq=False)
class Column:
    """The numbers of one column, in the order of their rows."""

    name: str
    row: IntArray
    value: FloatArray
    blank: IntArray
    """The rows whose cell is there and empty, as pandas writes NaN; "NA" is not among them."""

    def share(self, rows: int) -> float:
        """How much of a table of so many rows the column fills, from 0 to 1."""
        return len(self.row) / rows if rows else 0.0


@dataclass(frozen=True, eq=False)
class TextColumn:
    """The cells of a column that holds mostly text."""

    name: str
    row: IntArray
    text: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Table:
    """The rows of a log as columns of numbers and columns of text."""

    line: IntArray
    """The line of the file on which each row ends, the first being 1."""
    columns: tuple[Column, ...]
    texts: tuple[TextColumn, ...]
    header: tuple[str, ...]
    """The names of all columns, in the order in which they first appear."""

    @property
    def rows(self) -> int:
        """How many rows the table has."""
        return len(self.line)


def number(cell: str) -> float | None:
    """The number that a cell spells, NaN and the infinities among them, or None."""
    try:
        return float(cell)
    except ValueError:
        tensor = _TENSOR.match(cell)
    try:
        return float(tensor[1]) if tensor else None
    except ValueError:
        return None


@dataclass
class _Cells:
    row: array[int] = field(default_factory=lambda: array("q"))
    value: array[float] = field(default_factory=lambda: array("d"))
    blank: array[int] = field(default_factory=lambda: array("q"))
    text_row: array[int] = field(default_factory=lambda: array("q"))
    text: list[str] = field(default_factory=list)


@dataclass
class _Block:
    """Rows that hold numbers under the same names, row by row."""

    row: array[int] = field(default_factory=lambda: array("q"))
    value: array[float] = field(default_factory=lambda: array("d"))
    mixed: bool = False
    """Whether a row with these names held something else than a number."""


class TableBuilder:
    """Collects rows that need not have the same cells, such as those of JSON lines."""

    def __init__(self) -> None:
        self._lines = array("q")
        self._cells: dict[str, _Cells] = {}
        self._blocks: dict[tuple[str, ...], _Block] = {}

    def __len__(self) -> int:
        return len(self._lines)

    def add(self, line: int, cells: Mapping[str, Cell] | Iterable[tuple[str, Cell]]) -> None:
        """Append a row that ends on this line of the file, the first being 1."""
        row = len(self._lines)
        self._lines.append(line)
        for name, cell in cells.items() if isinstance(cells, Mapping) else cells:
            self._put(self._cells.get(name) or self._cells.setdefault(name, _Cells()), row, cell)

    def add_numbers(self, line: int, cells: Mapping[str, Any]) -> bool:
        """Append a row if it holds only numbers: four times as fast as `add`, if rows are alike."""
        names = tuple(cells)
        block = self._blocks.get(names)
        if block is None:
            if len(self._blocks) >= _MOST_BLOCKS:
                return False
            block = self._blocks[names] = _Block()
        if block.mixed:
            return False
        before = len(block.value)
        try:
            block.value.extend(cells.values())
        except (TypeError, OverflowError):
            del block.value[before:]
            block.mixed = True
            return False
        if not before:
            for name in names:
                self._cells.setdefault(name, _Cells())
        block.row.append(len(self._lines))
        self._lines.append(line)
        return True

    def finish(self) -> Table:
        """The rows so far as a table; a column of text keeps none of its stray numbers."""
        for names, block in self._blocks.items():
            for name, values in zip(names, _transposed(block, len(names)), strict=False):
                self._cells[name].row.extend(block.row)
                self._cells[name].value.frombytes(values.tobytes())
        self._blocks.clear()
        columns = tuple(_column(name, c) for name, c in self._cells.items() if not _is_text(c))
        texts = tuple(
            TextColumn(name, _integers(cells.text_row), tuple(cells.text))
            for name, cells in self._cells.items()
            if _is_text(cells)
        )
        return Table(_integers(self._lines), columns, texts, tuple(self._cells))

    @staticmethod
    def _put(cells: _Cells, row: int, cell: Cell) -> None:
        value = number(cell) if isinstance(cell, str) else cell
        if value is None and (cell is None or cell in ABSENT):
            if not cell:
                cells.blank.append(row)
        elif value is None:
            cells.text_row.append(row)
            cells.text.append(str(cell)[:_LONGEST_TEXT])
        else:
            cells.row.append(row)
            cells.value.append(_as_float(value))


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # JSON has integers of any length
        return math.copysign(math.inf, value)


def _is_text(cells: _Cells) -> bool:
    return len(cells.text) >= max(len(cells.row), 1)


def _column(name: str, cells: _Cells) -> Column:
    row, value = _integers(cells.row), np.array(cells.value, dtype=np.float64)
    if len(row) > 1 and (row[1:] < row[:-1]).any():  # it was filled from several blocks
        written = np.argsort(row, kind="stable")
        row, value = row[written], value[written]
    return Column(name, row, value, _integers(cells.blank))


def _transposed(block: _Block, width: int) -> list[FloatArray]:
    if not len(block.row) or not width:
        return []
    return list(np.array(block.value, dtype=np.float64).reshape(-1, width).T)


def _integers(values: array[int]) -> IntArray:
    return np.array(values, dtype=np.int64)
