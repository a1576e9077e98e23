"""The fixed distance at which events return."""

from __future__ import annotations

import numpy as np

from gradcheck.model import IntArray


def common_period(steps: IntArray, cadence: int) -> int | None:
    """The common distance of the steps, allowing for missed ones; None where there is none.

    Every gap must be a whole multiple of it within one logged row. With three events a chance
    match is likely for a small period, so the period must span many rows.
    """
    gaps = np.diff(steps)
    if not len(gaps) or gaps.min() <= 0:
        return None
    period = _refined(gaps)
    if period < 4 * cadence:
        return None
    multiples = np.round(gaps / period)
    off = np.abs(gaps - multiples * period)
    fits = off <= np.maximum(cadence if cadence > 1 else 0, 0.004 * period * multiples)
    chance = float(2 * max(cadence, 1) + 1) / period
    if not bool(fits.all()) or multiples.max() > 4 or chance ** (len(gaps) - 1) > 0.05:
        return None
    return round(period)


def _refined(gaps: IntArray) -> float:
    smallest = float(np.min(gaps))
    multiples = np.maximum(1, np.round(gaps / smallest))
    return float(np.median(gaps / multiples))
