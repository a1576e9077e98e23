"""Draws a curve, marks and axes into a grid of characters, eight braille dots to a character."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from gradcheck.model import FloatArray, IntArray

Places = TypeVar("Places", float, FloatArray)

FIRST, LAST = 0.50166, 0.50152
"""Cells from the edges to the ends of the range: in the middle of a cell, and a little off, since
dots of even steps would fall on the borders of cells and to either side of them by rounding."""
DOT_COLUMNS, DOT_ROWS = 2, 4
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""The bit of each dot of a braille character, row by row from the top."""
_NO_DOTS = 0x2800


class CharacterGrid:
    """The area inside the axes. Places in it are shares of its width, and of its height from the
    top; what is put later hides what was there.
    """

    def __init__(self, columns: int, rows: int) -> None:
        self._cells = np.full((rows, columns), " ")

    @property
    def columns(self) -> int:
        """How many characters a row has."""
        return int(self._cells.shape[1])

    def column(self, across: float) -> int:
        """The column of a place."""
        return int(_places(across, self.columns))

    def row(self, down: float) -> int:
        """The row of a place."""
        return int(_places(down, len(self._cells)))

    def rule(self, across: float, character: str) -> None:
        """A vertical line."""
        self._cells[:, self.column(across)] = character

    def points(self, across: FloatArray, down: FloatArray, character: str) -> None:
        """One character for each point."""
        rows, columns = _places(down, len(self._cells)), _places(across, self.columns)
        self._cells[_cells(rows), _cells(columns)] = character

    def curve(self, across: FloatArray, down: FloatArray) -> None:
        """Points joined by lines of braille dots."""
        rows, columns = _places(down, len(self._cells)), _places(across, self.columns)
        x, y = _joined(columns * DOT_COLUMNS, rows * DOT_ROWS)
        dots = np.zeros(self._cells.shape, dtype=np.int64)
        bits = _DOTS[y % DOT_ROWS, x % DOT_COLUMNS]
        np.bitwise_or.at(dots, (y // DOT_ROWS, x // DOT_COLUMNS), bits)
        for row, column in np.argwhere(dots):
            self._cells[row, column] = chr(_NO_DOTS + dots[row, column])

    def lines(self) -> list[str]:
        """The rows from the top, all of one width."""
        return ["".join(row) for row in self._cells]


def place_labels(ticks: Sequence[tuple[int, str]], width: int) -> tuple[str, list[int]]:
    """A line with each label near its column, and the columns of those that found room.

    A label covers its column, as far in its middle as the ends of the line and the labels before
    it allow, with a space between two.
    """
    line, placed = " " * width, []
    for column, label in ticks:
        centred = column - (len(label) - 1) // 2
        starts = range(column - len(label) + 1, column + 1)
        for start in sorted(starts, key=lambda start: abs(start - centred)):
            end = start + len(label)
            if start >= 0 and end <= width and not line[max(start - 1, 0) : end].strip():
                line = line[:start] + label + line[end:]
                placed.append(column)
                break
    return line, placed


def _places(shares: Places, cells: int) -> Places:
    return FIRST + (cells - FIRST - LAST) * shares


def _cells(places: FloatArray) -> IntArray:
    return places.astype(np.int64)


def _joined(x: FloatArray, y: FloatArray) -> tuple[IntArray, IntArray]:
    """Whole places on the straight lines from each point to the next, without a gap."""
    lengths = np.maximum(np.abs(np.diff(_cells(x))), np.abs(np.diff(_cells(y))))
    steps = np.maximum(lengths, 1)
    line = np.repeat(np.arange(len(steps)), steps)
    along = (np.arange(len(line)) - (np.cumsum(steps) - steps)[line]) / steps[line]
    between = (c[line] + np.diff(c)[line] * along for c in (x, y))
    return (
        np.append(_cells(next(between)), _cells(x[-1:])),
        np.append(_cells(next(between)), _cells(y[-1:])),
    )
