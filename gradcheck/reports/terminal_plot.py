"""Draws one series as lines of characters, its non-finite points and the first bad step marked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradcheck.model import FloatArray, Series
from gradcheck.reports.character_grid import CharacterGrid, Places, place_labels
from gradcheck.reports.phrases import number
from gradcheck.reports.plot_points import nonfinite_steps, thin

LABEL = 9
"""Width of the value axis, fixed so that plots above one another line up."""
HEADROOM = 0.15
"""Free part of the height above the curve, where non-finite points are marked."""
BORDER = 0.05
"""Free part of the height below the curve."""
_ASCII_FRAME = str.maketrans({"│": "|", "┊": ":", "─": "-", "×": "x"} | dict.fromkeys("┤┬┼└", "+"))


@dataclass(frozen=True)
class Frame:
    """How large a plot is, which steps it spans, and which of them it marks."""

    width: int
    height: int
    first_step: int
    last_step: int
    marked_step: int | None = None
    unicode: bool = True

    @property
    def columns(self) -> int:
        """Roughly how many characters the curve has."""
        return max(self.width - LABEL - 1, 10)


@dataclass(frozen=True)
class Axis:
    """Maps values to the heights 0 to 1, so that the plotting library never sees extremes."""

    low: float
    high: float
    log: bool

    def heights(self, values: FloatArray) -> FloatArray:
        """Where values lie between the bottom and the top."""
        low, high = self._scaled(np.array([self.low, self.high]))
        scaled = self._scaled(values)
        if high == low:
            return np.full(len(values), 0.5)
        # Halved, since the distance between two huge values may overflow.
        heights: FloatArray = (scaled / 2 - low / 2) / (high / 2 - low / 2)
        return heights

    def ticks(self) -> list[float]:
        """Values to write at the axis: powers of ten where a log axis holds two of them."""
        if self.log:
            first, last = np.ceil(np.log10(self.low)), np.floor(np.log10(self.high))
            if last > first:
                return [10.0**power for power in np.unique(np.rint(np.linspace(first, last, 3)))]
        return sorted({self.low, self.high})

    def _scaled(self, values: FloatArray) -> FloatArray:
        scaled: FloatArray = np.log10(values) if self.log else values
        return scaled


def axis_of(values: FloatArray) -> Axis:
    """A log axis where all values are positive and span more than a decade."""
    low, high = float(values.min()), float(values.max())
    return Axis(low, high, log=low > 0 and high / 10 > low)


def draw(series: Series, frame: Frame) -> str | None:
    """The plot without colours, or None where there is nothing finite to draw."""
    steps, values = thin(series, frame.columns)
    if not len(values):
        return None
    axis = axis_of(values)
    ticks = axis.ticks()
    labels = [number(tick) for tick in ticks]
    margin = max(LABEL - 1, *map(len, labels))
    grid = CharacterGrid(frame.width - margin - 1, frame.height - 2)
    if frame.marked_step is not None:
        grid.rule(_across(frame, float(frame.marked_step)), "┊")
    place = (_across(frame, steps.astype(float)), _down(axis.heights(values)))
    if frame.unicode:
        grid.curve(*place)
    else:
        # Lines of whole characters would blur a noisy curve into a block: dots alone say more.
        grid.points(*place, "*")
    lost = nonfinite_steps(series, 2 * frame.columns)
    grid.points(_across(frame, lost.astype(float)), np.zeros(len(lost)), "×")
    rows = map(grid.row, _down(axis.heights(np.array(ticks))))
    beside = dict(zip(rows, labels, strict=True))
    lines = [
        beside.get(row, "").rjust(margin) + ("┤" if row in beside else "│") + line
        for row, line in enumerate(grid.lines())
    ]
    below, numbers = _step_axis(grid, frame)
    text = "\n".join([*lines, " " * margin + "└" + below, " " * margin + " " + numbers])
    return text if frame.unicode else text.translate(_ASCII_FRAME)


def _across(frame: Frame, steps: Places) -> Places:
    """Where steps lie between the left and the right end, which leave a margin."""
    margin = (frame.last_step - frame.first_step) / frame.columns or 1.0
    low, high = frame.first_step - margin, frame.last_step + margin
    return (steps - low) / (high - low)


def _down(heights: FloatArray) -> FloatArray:
    """Where heights of the axis lie between the top and the bottom."""
    return (1 + HEADROOM - heights) / (1 + HEADROOM + BORDER)


def _step_axis(grid: CharacterGrid, frame: Frame) -> tuple[str, str]:
    """The axis of steps and its labels."""
    columns = {step: grid.column(_across(frame, float(step))) for step in _step_ticks(frame)}
    labels, placed = place_labels([(at, str(step)) for step, at in columns.items()], grid.columns)
    line = ["┬" if column in placed else "─" for column in range(grid.columns)]
    if frame.marked_step is not None:
        marked = columns[frame.marked_step]
        line[marked] = "┼" if marked in placed else "┴"
    return "".join(line), labels


def _step_ticks(frame: Frame) -> list[int]:
    wanted = {frame.first_step, frame.last_step}
    if frame.marked_step is not None:
        # A label needs room: drop the end that the mark is too close to.
        room = (frame.last_step - frame.first_step) * 12 / frame.columns
        wanted = {step for step in wanted if abs(step - frame.marked_step) > room}
        wanted.add(frame.marked_step)
    return sorted(wanted)
