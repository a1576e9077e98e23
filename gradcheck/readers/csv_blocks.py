"""Reads large plain tables with pandas, block by block, to what the reader of any table gives."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck.model import FloatArray, IntArray
from gradcheck.readers.csv_plain import Block, Layout, NotPlain, blocks_of, layout_of
from gradcheck.readers.csv_rows import BINARY
from gradcheck.readers.table import ABSENT, BoolArray, Column, Table, TextColumn, number

# All that pandas is to answer with NaN; which of them a cell says is looked up afterwards.
_NAN = sorted(ABSENT | {"nan", "NaN", "NAN"})
# A column of nothing else than True and False pandas reads as 1 and 0; these letters are in one of
# them, and neither in a word for a number nor in one for none.
_OF_TRUTH = b"rRsS"


def parse_plain(data: bytes, value_name: str) -> Table | None:
    """What `csv_cells.parse_table` gives, or None if the table is not plain enough to be sure."""
    if b"\0" in data[:BINARY]:
        return None
    data = data.rstrip(b"\0")  # of a crash of the machine
    try:
        return _table(data, layout_of(data, value_name))
    except (NotPlain, ImportError):
        return None


@dataclass
class _Parts:
    """What the blocks so far hold in one column."""

    row: list[IntArray] = field(default_factory=list)
    value: list[FloatArray] = field(default_factory=list)
    blank: list[IntArray] = field(default_factory=list)
    text_row: list[IntArray] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    """Every cell that is there of the blocks in which one is not a number."""
    others: int = 0
    """How many cells are not numbers."""

    def add(self, row: IntArray, value: FloatArray, blank: IntArray) -> None:
        self.row.append(row)
        self.value.append(value)
        self.blank.append(blank)

    def column(self, name: str, rows: IntArray) -> Column | TextColumn:
        """The column, its rows shared with others like it if it fills all."""
        known = sum(map(len, self.value))
        if self.others and self.others >= known:
            if len(self.text) < known + self.others:
                raise NotPlain
            return TextColumn(name, _joined(self.text_row), tuple(self.text))
        row = rows if known == len(rows) else _joined(self.row)
        self.row.clear()
        column = Column(name, row, _joined(self.value), _joined(self.blank))
        self.value.clear()
        return column


def _joined(parts: Sequence[Any]) -> Any:
    return np.concatenate(parts)


def _table(data: bytes, layout: Layout) -> Table:
    blocks = _Blocks(layout)
    for block in blocks_of(data, layout):
        blocks.add(block)
    if not blocks.line:
        raise NotPlain
    line = np.concatenate(blocks.line)
    rows = np.arange(len(line))
    read = [
        parts.column(name, rows) for name, parts in zip(layout.names, blocks.parts, strict=True)
    ]
    columns = tuple(one for one in read if isinstance(one, Column) and len(one.row))
    texts = tuple(one for one in read if isinstance(one, TextColumn))
    return Table(line, columns, texts, layout.names)


class _Blocks:
    """Collects the columns of one block after the other."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._rows = 0
        self._texts: set[int] = set()
        """The columns that held text in the last block."""
        self.line: list[IntArray] = []
        self.parts = [_Parts() for _ in layout.names]

    def add(self, block: Block) -> None:
        count = len(block.end)
        rows = np.arange(self._rows, self._rows + count)
        blanks = np.zeros(count, dtype=np.int64)
        for column, value in self._columns(block):
            parts = self.parts[column]
            found = None if value is None else _resolved(block, column, value)
            if found is None:
                found = self._texts_of(block, column, rows)
            keep, value, blank = found
            parts.add(rows if keep.all() else rows[keep], value, rows[blank])
            blanks[blank] += 1
        if (blanks == len(self.parts)).any():
            raise NotPlain  # such a row does not count
        self.line.append(np.arange(block.line, block.line + count))
        self._rows += count

    def _columns(self, block: Block) -> Iterator[tuple[int, FloatArray | None]]:
        """The numbers of every column, None of one that holds something else."""
        self._texts |= block.columns_with(_OF_TRUTH)
        try:
            values = _numbers(block, self._layout, self._texts)
        except ValueError:
            self._texts |= _not_numbers(block, self._layout)
            try:
                values = _numbers(block, self._layout, self._texts)
            except ValueError as error:
                raise NotPlain from error
        for column in range(len(self.parts)):
            yield column, values.get(column)

    def _texts_of(
        self, block: Block, column: int, rows: IntArray
    ) -> tuple[BoolArray, FloatArray, IntArray]:
        """As `_resolved`; the text is kept if some is not a number."""
        cells = block.cells(*block.places(column))
        if self._layout.marks.get(column) in cells:
            raise NotPlain  # a header again, though not to the byte
        numbers = [None if cell in ABSENT else number(cell) for cell in cells]
        known = np.array([one is not None for one in numbers], dtype=np.bool_)
        filled = np.array([cell not in ABSENT for cell in cells], dtype=np.bool_)
        others = int(filled.sum() - known.sum())
        if others:
            parts = self.parts[column]
            parts.others += others
            parts.text_row.append(rows[filled])
            parts.text += [cell for cell in cells if cell not in ABSENT]
        else:
            self._texts.discard(column)
        value = np.array([one for one in numbers if one is not None], dtype=np.float64)
        blank = np.flatnonzero(np.array([not cell for cell in cells], dtype=np.bool_))
        return known, value, blank


def _numbers(block: Block, layout: Layout, texts: set[int]) -> dict[int, FloatArray]:
    """The numbers of all columns but some.

    Raises:
        ValueError: another column holds something that pandas takes for no number.
    """
    columns = [column for column in range(len(layout.names)) if column not in texts]
    if not columns:
        return {}
    values = _read(block, layout, usecols=columns, dtype=np.float64).to_numpy()
    if values.shape != (len(block.end), len(columns)):
        raise NotPlain
    return {column: values[:, place] for place, column in enumerate(columns)}


def _not_numbers(block: Block, layout: Layout) -> set[int]:
    kinds = _read(block, layout).dtypes
    return {column for column, kind in enumerate(kinds) if kind.kind not in "fiu"}


def _read(block: Block, layout: Layout, **options: Any) -> Any:
    import pandas as pd  # noqa: PLC0415 - costs more than it saves on a small table

    if tuple(map(int, pd.__version__.split(".")[:2])) < (3, 1):
        options["float_precision"] = "round_trip"  # since then this is so, and the option goes
    return pd.read_csv(
        io.BytesIO(block.data), sep=layout.delimiter, header=None, index_col=False,
        skipinitialspace=True, skip_blank_lines=False, quoting=3, encoding_errors="replace",
        keep_default_na=False, na_values=_NAN, low_memory=False, **options,
    )  # fmt: skip


def _resolved(
    block: Block, column: int, value: FloatArray
) -> tuple[BoolArray, FloatArray, IntArray] | None:
    """Which cells of a column hold a value, the values, and which rows are blank.

    None if pandas took something for NaN that is no number.
    """
    nan = np.isnan(value)
    unclear = np.flatnonzero(nan)
    if not len(unclear):
        return ~nan, value.copy(), unclear
    begin, end = (place[unclear] for place in block.places(column))
    blank = begin == end
    spelled = _spells_nan(block.data, begin, end)
    keep, value = ~nan, value.copy()
    keep[unclear[spelled]] = True
    others = np.flatnonzero(~(blank | spelled))
    for place, cell in zip(others.tolist(), block.cells(begin[others], end[others]), strict=True):
        blank[place] = not cell
        if cell in ABSENT:
            continue
        found = number(cell)
        if found is None:
            return None
        keep[unclear[place]], value[unclear[place]] = True, found
    return keep, value[keep], unclear[blank]


def _spells_nan(data: bytes, begin: IntArray, end: IntArray) -> BoolArray:
    spells: BoolArray = end - begin == 3
    byte, first = np.frombuffer(data, dtype=np.uint8), begin[spells]
    lower = [byte[first + place] | 0x20 for place in range(3)]
    spells[spells] = (lower[0] == ord("n")) & (lower[1] == ord("a")) & (lower[2] == ord("n"))
    return spells
