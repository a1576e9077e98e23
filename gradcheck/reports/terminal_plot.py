"""Draws one series as lines of characters, its non-finite points and the first bad step marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.model import FloatArray, IntArray, Series
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
    """The plot without colours, or None where there is nothing finite to draw or no library."""
    steps, values = thin(series, frame.columns)
    if not len(values):
        return None
    try:
        # Imported here: it takes half a second, and it fails where its compiled part is missing.
        import plotext  # noqa: PLC0415
    except ImportError:
        return None
    # Otherwise it clips plots to the size of the terminal, or to 80 columns without one.
    plotext.terminal.limit(False, False)
    figure = plotext.figure
    axis = axis_of(values)
    _set_up(figure, frame, axis)
    _curve(figure, steps, axis.heights(values), fine=frame.unicode)
    _marks(figure, nonfinite_steps(series, 2 * frame.columns))
    text = str(figure.build().string(True))
    return text if frame.unicode else text.translate(_ASCII_FRAME)


def _set_up(figure: Any, frame: Frame, axis: Axis) -> None:
    figure.clear()
    figure.theme("colorless")
    figure.plot_size(frame.width, frame.height)
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    ticks = axis.ticks()
    labels = [number(tick).rjust(LABEL - 1) for tick in ticks]
    values = figure.ruler("y", "left")
    values.lim(-BORDER, 1 + HEADROOM)
    values.ticks(_floats(axis.heights(np.array(ticks))), labels)
    margin = (frame.last_step - frame.first_step) / frame.columns or 1.0
    steps = figure.ruler("x", "lower")
    steps.lim(frame.first_step - margin, frame.last_step + margin)
    steps.ticks(*_step_ticks(frame))
    if frame.marked_step is not None:
        figure.line(float(frame.marked_step), orientation=1, relative=True, style="dotted")


def _step_ticks(frame: Frame) -> tuple[list[float], list[str]]:
    wanted = {frame.first_step, frame.last_step}
    if frame.marked_step is not None:
        # A label needs room: drop the end that the mark is too close to.
        room = (frame.last_step - frame.first_step) * 12 / frame.columns
        wanted = {step for step in wanted if abs(step - frame.marked_step) > room}
        wanted.add(frame.marked_step)
    steps = sorted(wanted)
    return _floats(np.array(steps)), [str(step) for step in steps]


def _curve(figure: Any, steps: IntArray, heights: FloatArray, *, fine: bool) -> None:
    # Lines of whole characters would blur a noisy curve into a block: dots alone say more.
    signal = figure.signal(_floats(steps), _floats(heights), marker="braille" if fine else "*")
    figure.draw(signal.lines(fine))


def _marks(figure: Any, steps: IntArray) -> None:
    if len(steps):
        heights = [1.0 + HEADROOM] * len(steps)
        figure.draw(figure.signal(_floats(steps), heights, marker="×").lines(False))


def _floats(values: IntArray | FloatArray) -> list[float]:
    return [float(value) for value in values]
