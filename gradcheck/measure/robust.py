"""Robust numbers of a few values: level, noise, slope and how straight a line is."""

from __future__ import annotations

import numpy as np

from gradcheck.measure.baseline import SIGMA_PER_MAD
from gradcheck.model import FloatArray


def finite(values: FloatArray) -> FloatArray:
    """The finite values, in order."""
    return values[np.isfinite(values)]


def level(values: FloatArray) -> float:
    """Median, NaN of nothing."""
    return float(np.median(values)) if len(values) else float("nan")


def noise(values: FloatArray) -> float:
    """Standard deviation of the row-to-row noise, from differences, so that a trend is no noise.

    0 for fewer than three values.
    """
    if len(values) < 3:
        return 0.0
    steps = np.diff(values)
    spread = np.median(np.abs(steps - np.median(steps)))
    return float(spread * SIGMA_PER_MAD / np.sqrt(2))


def log_positive(values: FloatArray) -> FloatArray:
    """Natural logarithm, with zeros and below held at the smallest positive value."""
    positive = values[values > 0]
    floor = float(positive.min()) if len(positive) else 1.0
    return np.log(np.maximum(values, floor))


def line(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """Slope and coefficient of determination R² of the least-squares line through (x, y)."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0, 0.0
    run, rise = x - x.mean(), y - y.mean()
    slope = float((run * rise).sum() / (run * run).sum())
    return slope, float(1.0 - (rise - slope * run).var() / rise.var())


def block_levels(values: FloatArray, blocks: int) -> FloatArray:
    """Medians of `blocks` (or fewer) equal stretches: the course without the noise."""
    if not len(values):
        return values
    blocks = min(blocks, len(values))
    rows, longer = divmod(len(values), blocks)
    cut = longer * (rows + 1)
    parts = [values[:cut].reshape(longer, rows + 1), values[cut:].reshape(blocks - longer, rows)]
    return np.concatenate([np.median(part, axis=1) for part in parts if len(part)])


def autocorrelation(values: FloatArray) -> float:
    """Lag-1 autocorrelation of the differences: about -0.5 for noise, above 0.5 when smoothed."""
    steps = np.diff(values)
    if len(steps) < 10 or np.ptp(steps) == 0:
        return 0.0
    clipped = np.clip(steps, *np.percentile(steps, [2, 98]))
    centred = clipped - clipped.mean()
    power = float((centred**2).sum())
    return float((centred[1:] * centred[:-1]).sum() / power) if power > 0 else 0.0
