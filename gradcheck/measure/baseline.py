"""What is normal for a series, judged at every row from the rows before it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradcheck.model import FloatArray, IntArray

WINDOW = 50
"""Rows of history behind a baseline: a spike of up to half of them cannot shift the median."""
MIN_HISTORY = 8
"""Rows before a baseline is trusted."""
DENSE_ROWS = 16384
"""Every row gets its own median up to here; beyond, one per power-of-two stride, so that a
million rows cost no more than five times as much. The stride depends on the row alone, not on
the length of the run: more rows never change what was said of earlier ones."""
CHUNK = 4096
SIGMA_PER_MAD = 1.4826
WANDER = 1.5
"""How far a series may wander about its median, in its row-to-row noise, before a steep fall early
on is to blame and no noise."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """Centre and noise of a series at each row, in the domain where they were measured."""

    value: FloatArray
    """The series in its domain: log where it has been positive so far, else as it is."""
    centre: FloatArray
    """Trailing median, NaN for the first rows."""
    scale: FloatArray
    """Robust standard deviation of the residuals before each row, NaN for the first rows."""
    logarithmic: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @cached_property
    def residual(self) -> FloatArray:
        """How far each row lies above its centre."""
        return self.value - self.centre


def baseline(values: FloatArray) -> Baseline:
    """Measure the trailing baseline of finite `values`.

    Gradient norms and most losses vary by factors, so positive values are measured as logarithms;
    from the first value that is zero or negative on, the series is measured as it is.
    """
    positive = np.minimum.accumulate(values) > 0 if len(values) else np.zeros(0, dtype=bool)
    count = int(np.count_nonzero(positive))
    logs = _trailing(np.log(values[:count]))
    if count == len(values):
        return Baseline(*logs, positive)
    plain = _trailing(values)
    joined = [np.concatenate([a, b[count:]]) for a, b in zip(logs, plain, strict=True)]
    return Baseline(joined[0], joined[1], joined[2], positive)


def _trailing(values: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    centre = trailing_median(values, WINDOW)
    residual = np.nan_to_num(values - centre, nan=0.0)
    # a falling series lies below its trailing median all the time: that lag is no noise
    lag = np.nan_to_num(trailing_median(residual, WINDOW), nan=0.0)
    wandering = trailing_median(np.abs(residual - lag), WINDOW)
    steps = np.abs(np.diff(values, prepend=values[:1])) / np.sqrt(2)
    scale = np.fmin(wandering, WANDER * trailing_median(steps, WINDOW)) * SIGMA_PER_MAD
    scale[: min(len(scale), 2 * MIN_HISTORY)] = _early_scale(values)[: 2 * MIN_HISTORY]
    return values, centre, scale


def _early_scale(values: FloatArray) -> FloatArray:
    """Noise of the first rows from their differences: residuals do not exist there yet."""
    scale = np.full(min(len(values), 2 * MIN_HISTORY), np.nan)
    for row in range(MIN_HISTORY, len(scale)):
        steps = np.diff(values[:row])
        scale[row] = np.median(np.abs(steps - np.median(steps))) * SIGMA_PER_MAD
    return scale


def trailing_median(values: FloatArray, window: int) -> FloatArray:
    """Median of the up to `window` rows before each row; NaN for the first `MIN_HISTORY` rows.

    `values` hold no NaN.
    """
    result = np.full(len(values), np.nan)
    for row in range(MIN_HISTORY, min(window, len(values))):
        result[row] = _middle(np.sort(values[:row]))
    if len(values) <= window:
        return result
    rows = _evaluated_rows(window, len(values))
    views = np.lib.stride_tricks.sliding_window_view(values, window)
    # a whole sort is vectorised where np.median's partition is not
    medians = [
        _middle(np.sort(views[rows[i : i + CHUNK] - window])) for i in range(0, len(rows), CHUNK)
    ]
    result[window:] = np.repeat(np.concatenate(medians), np.diff(rows, append=len(values)))
    return result


def _middle(ordered: FloatArray) -> FloatArray:
    """Medians along the last axis of sorted values."""
    width = ordered.shape[-1]
    middle: FloatArray = (ordered[..., (width - 1) // 2] + ordered[..., width // 2]) / 2
    return middle


def _evaluated_rows(first: int, end: int) -> IntArray:
    parts = [np.arange(first, min(end, DENSE_ROWS), dtype=np.int64)]
    start, stride = DENSE_ROWS, 2
    while start < end:
        parts.append(np.arange(start, min(end, 2 * start), stride, dtype=np.int64))
        start, stride = 2 * start, 2 * stride
    return np.concatenate(parts)
