"""Whether a noisy series has left a low level for a high one where it stays to the end."""

from __future__ import annotations

import numpy as np

from gradcheck.measure.robust import block_levels, noise
from gradcheck.model import FloatArray

BLOCKS = 12
LEAST_ROWS = 96
LEAST_RISE = np.log(1.5)
SIGMAS = 6.0
LAST_BLOCKS = 3
"""Blocks at the end that must all be up."""
LOST = 0.6
"""Share of the progress made that is lost for good."""
COMING_DOWN = 0.3
"""Share of the rise that may be undone at the end."""


def lasting_rise(values: FloatArray) -> int | None:
    """The row from which positive `values` stay up, None where they end near their best level.

    Medians of a twelfth of the rows tell levels apart that single rows, or a few of them, do not:
    a classifier that swings by factors and then sits on the logarithm of its classes.
    """
    if len(values) < LEAST_ROWS or bool((values <= 0).any()):
        return None
    logs = np.log(values)
    levels = block_levels(logs, BLOCKS)
    best = int(np.argmin(levels[:-LAST_BLOCKS]))
    rows = len(logs) // BLOCKS
    spread = noise(logs[best * rows : (best + 1) * rows])
    least = max(LEAST_RISE, SIGMAS * 1.25 * spread * float(np.sqrt(2.0 / rows)))
    up = levels[best + 1 :] > levels[best] + least
    if not bool(up[-LAST_BLOCKS:].all()) or _is_coming_down(levels[best + 1 :], levels[best]):
        return None
    start = float(np.log(np.median(values[:3])))
    rise = float(levels[-LAST_BLOCKS:].min() - levels[best])
    if rise < LOST * max(start - float(levels[best]), 0.0):
        return None
    low = np.flatnonzero(~up)
    block = best + 1 + (int(low[-1]) + 1 if len(low) else 0)
    return _first_row_up(logs, block * rows - rows, float(levels[best]) + 0.5 * least)


def _is_coming_down(after: FloatArray, best: float) -> bool:
    peak = float(after.max())
    return float(after[-1]) < peak - COMING_DOWN * (peak - best)


def _first_row_up(logs: FloatArray, start: int, level: float) -> int:
    """The row after the last stretch of rows that was still down, from the block before on."""
    low = np.flatnonzero(logs[start : start + 2 * (len(logs) // BLOCKS)] < level)
    return start + (int(low[-1]) + 1 if len(low) else 0)
