"""The level of a series stretch by stretch, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gradcheck.comparison.alignment import Aligned, Track
from gradcheck.measure.baseline import SIGMA_PER_MAD
from gradcheck.measure.robust import log_positive
from gradcheck.model import FloatArray, Role

MOST_BLOCKS, LEAST_BLOCKS, ROWS_A_BLOCK = 16, 4, 4
MOST_ZEROS = 0.05
MEDIAN_ERROR = 1.2533
"""Standard error of a median over that of a mean, √(π/2), for normal noise."""
MEDIAN_OF_SQUARE = 0.455
"""Median of the square of a standard normal."""


@dataclass(frozen=True, eq=False)
class Levels:
    """Levels in the domain where they are compared; all columns have one number a stretch."""

    level: FloatArray
    error: FloatArray
    """Standard error of each level, from the run's own noise."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A role of a run and of the good runs, in equal stretches of the common range."""

    role: Role
    logarithmic: bool
    middle: FloatArray
    """Of each stretch, from 0 to 1."""
    first: FloatArray
    last: FloatArray
    """The run's own steps at its ends."""
    run: Levels
    good: tuple[Levels, ...]

    def value(self, level: float) -> float:
        """A level in the unit of the series."""
        return float(np.exp(min(level, 700.0))) if self.logarithmic else float(level)


def grid(aligned: Aligned) -> Grid:
    """Measure levels, in logarithms where values are positive, as norms vary by factors."""
    tracks = (aligned.run, *aligned.good)
    logarithmic = all(_is_positive(track.value) for track in tracks)
    fewest = min(len(track.value) for track in tracks)
    blocks = int(np.clip(fewest // ROWS_A_BLOCK, LEAST_BLOCKS, MOST_BLOCKS))
    cut = [_stretches(track, blocks) for track in tracks]
    filled = [b for b in range(blocks) if all(r[b].stop > r[b].start for r in cut)]
    domain = [_domain(track.value, logarithmic) for track in tracks]
    measured = [
        _levels([values[rows[b]] for b in filled]) for values, rows in zip(domain, cut, strict=True)
    ]
    steps = [aligned.run.step[cut[0][b]] for b in filled]
    return Grid(
        aligned.role,
        logarithmic,
        (np.array(filled) + 0.5) / blocks,
        np.array([float(step.min()) for step in steps]),
        np.array([float(step.max()) for step in steps]),
        measured[0],
        tuple(measured[1:]),
    )


def _stretches(track: Track, blocks: int) -> list[slice]:
    """The rows of each stretch; empty where a run has none there."""
    edges = np.searchsorted(track.place, np.linspace(0, 1, blocks + 1)[1:-1])
    ends = [0, *edges.tolist(), len(track.place)]
    return [slice(start, end) for start, end in pairwise(ends)]


def _is_positive(values: FloatArray) -> bool:
    """Whether it is positive but for a few rows that are 0, such as skipped steps."""
    return bool((values >= 0).all()) and float((values == 0).mean()) <= MOST_ZEROS


def _domain(values: FloatArray, logarithmic: bool) -> FloatArray:
    return log_positive(values) if logarithmic else values


def _levels(parts: Sequence[FloatArray]) -> Levels:
    level = np.array([float(np.median(part)) for part in parts])
    error = _row_error(parts)
    return Levels(level, error * _inflation(level, error))


def _row_error(parts: Sequence[FloatArray]) -> FloatArray:
    """Error of each median from the noise from row to row, there and in the stretches beside it."""
    changes = [np.abs(np.diff(part)) for part in parts]
    found = np.zeros(len(parts))
    for at, part in enumerate(parts):
        near = np.concatenate(changes[max(0, at - 1) : at + 2])
        noise = float(np.median(near)) * SIGMA_PER_MAD / np.sqrt(2) if len(near) else 0.0
        found[at] = MEDIAN_ERROR * noise / np.sqrt(len(part))
    return found


def _inflation(level: FloatArray, error: FloatArray) -> float:
    """How much more the levels wander about their neighbours than rows without memory would.

    Noise that is correlated from row to row, such as a logged running mean, shows here.
    """
    if len(level) < LEAST_BLOCKS:
        return 1.0
    wander = level[1:-1] - (level[2:] + level[:-2]) / 2
    expected = 1.5 * error[1:-1] ** 2
    if not bool((expected > 0).all()):
        return 1.0
    return float(np.sqrt(max(1.0, np.median(wander**2 / expected) / MEDIAN_OF_SQUARE)))
