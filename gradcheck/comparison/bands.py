"""How far a run's levels lie above those of good runs, in stretches of every length.

The difference of two means is a test of each window of stretches; the largest of all windows is
held against a limit for all of them together (a multiscale scan, as in Dümbgen and Spokoiny 2001,
Annals of Statistics 29, 124-152). What two sound runs may differ by has four parts: the noise of
their rows; a share of it that lasts over the run, since seeds lead to other places; a shift in
time, since one seed finds the way down sooner than another; and, from several good runs, the
spread between them, which is moderated by the first three (Smyth 2004, Statistical Applications in
Genetics and Molecular Biology 3, 3) as a variance from two or three runs alone is hardly known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.comparison.levels import Grid
from gradcheck.comparison.quantiles import student
from gradcheck.model import FloatArray, Role

FALSE_ALARM = 5e-4
"""Of one check on one run, at most; all of them together make less than 0.2 % a run."""
FREEDOM = 60.0
"""Degrees of freedom of a noise measured in some sixteen stretches and their neighbours."""
LASTING, LASTING_NORM = 0.25, 0.5
"""What lasts of a seed over a whole run, in standard errors of one stretch: of a gradient norm more
than of a loss, as seeds that lose the same do so in valleys of another steepness."""
DELAY = 0.15
"""How much later, as a share of the way, a sound run may come to the same level."""
PRIOR_FREEDOM = 8.0
"""Weight of the expected spread between runs against the one that is seen, in runs."""
LENGTHS = (2, 4, 8, 16)
END = 4
"""The end of a run is at most its last quarter."""
START = 0.25
"""A delay at the very start, in stretches."""


@dataclass(frozen=True)
class Window:
    """Stretches [first, stop) of a grid, and how far the run lies above the good runs there."""

    first: int
    stop: int
    run: float
    """Mean level of the run; `good` that of the good runs."""
    good: float
    allowance: float
    """The difference that is at the limit, without any tolerance."""

    @property
    def excess(self) -> float:
        """The difference over what is allowed."""
        return (self.run - self.good) / self.allowance if self.allowance > 0 else 0.0


def windows(grid: Grid, *, ending: bool = False) -> list[Window]:
    """All windows of a grid, those of the longest last; with `ending`, those at its end alone."""
    count = len(grid.middle)
    spread = _Spread(grid)
    found = []
    for length in _lengths(count):
        if ending and length > max(LENGTHS[0], count // END):
            continue
        starts = [count - length] if ending else range(0, count - length + 1, max(1, length // 4))
        limit = _limit(1 if ending else 2 * count / length, count)
        found += [
            Window(
                first,
                first + length,
                float(grid.run.level[first : first + length].mean()),
                float(spread.usual[first : first + length].mean()),
                limit * spread.deviation(first, first + length),
            )
            for first in starts
        ]
    return found


def band(grid: Grid) -> tuple[FloatArray, FloatArray]:
    """Level of the good runs at each stretch, and the limit for two stretches about it."""
    spread, count = _Spread(grid), len(grid.middle)
    limit = _limit(2 * count / LENGTHS[0], count)
    starts = [min(max(at - 1, 0), max(count - 2, 0)) for at in range(count)]
    wide = np.array([limit * spread.deviation(at, at + 2) for at in starts])
    return spread.usual, spread.usual + wide


def _limit(windows: float, count: int) -> float:
    """In standard deviations: every length has its share of the false alarms, and in it each of
    its windows; overlapping ones count as two a length. Longer windows get a lower limit so.
    """
    return student(FALSE_ALARM / len(_lengths(count)) / max(windows, 1), FREEDOM)


class _Spread:
    """How far two sound runs may lie apart."""

    def __init__(self, grid: Grid) -> None:
        self.good = np.array([one.level for one in grid.good])
        self.usual: FloatArray = self.good.mean(axis=0)
        squares = np.array([one.error**2 for one in grid.good])
        self.error: FloatArray = np.sqrt(squares.mean(axis=0))
        self.delay = _delay(self.usual, grid.middle)
        self.lasting = LASTING_NORM if grid.role is Role.GRAD_NORM else LASTING

    def deviation(self, first: int, stop: int) -> float:
        """Standard deviation of the difference of the run's mean level to that of the good runs."""
        noise = float(np.mean(self.error[first:stop] ** 2))
        late = float(self.delay[first:stop].mean()) ** 2
        variance = noise / (stop - first) + self.lasting**2 * noise + late
        runs = len(self.good)
        if runs > 1:
            seen = float(self.good[:, first:stop].mean(axis=1).var(ddof=1))
            weight = PRIOR_FREEDOM + runs - 1
            variance = (PRIOR_FREEDOM * variance + (runs - 1) * seen) / weight
        return float(np.sqrt(variance * (1 + 1 / runs)))


def _delay(usual: FloatArray, middle: FloatArray) -> FloatArray:
    """What a delay, or half a stretch at the start, makes of the slope."""
    if len(usual) < 3:
        return np.zeros(len(usual))
    padded = np.pad(usual, 1, mode="edge")
    smooth = padded[:-2] / 4 + padded[1:-1] / 2 + padded[2:] / 4
    slope: FloatArray = np.abs(np.gradient(smooth, middle))
    start = START * float(np.median(np.diff(middle)))
    return slope * (DELAY * middle + start)


def _lengths(count: int) -> Sequence[int]:
    return [length for length in LENGTHS if length <= count] or [max(count, 1)]
