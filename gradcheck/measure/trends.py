"""Whether a noisy series creeps up: a trend by ranks, which no single row decides."""

from __future__ import annotations

import numpy as np

from gradcheck.measure.robust import block_levels
from gradcheck.model import FloatArray

BLOCKS, LAST = 12, 3
"""Parts of a run, and those at its end among which its best level is not looked for."""
LEAST_ROWS, MOST_ROWS = 60, 400
"""Rows of a trend; of more of them, medians of that many parts are compared."""
SURE = 5.0
"""Standard deviations of Kendall's statistic beyond which there is a trend."""
RISE, LOST = float(np.log(1.2)), 0.2
"""Rise from the best level in logarithms, and as a share of the progress made."""


def creeping_rise(values: FloatArray) -> int | None:
    """The row from which positive `values` rise, slowly and to their end; None if they do not."""
    if len(values) < LEAST_ROWS or bool((values <= 0).any()):
        return None
    logs = np.log(values)
    levels = block_levels(logs, BLOCKS)
    best = int(np.argmin(levels[:-LAST]))
    first = (best + 1) * len(logs) // BLOCKS
    start, end = float(np.median(logs[:3])), float(np.median(logs[-len(logs) // BLOCKS :]))
    rise = end - float(levels[best])
    if rise < max(RISE, LOST * (start - float(levels[best]))):
        return None
    return first if kendall(logs[first:]) >= SURE else None


def kendall(values: FloatArray) -> float:
    """How many standard deviations the number of rising pairs is above that of falling ones.

    Kendall 1938, A new measure of rank correlation.
    """
    if len(values) > MOST_ROWS:
        values = block_levels(values, MOST_ROWS)
    count = len(values)
    if count < 2:
        return 0.0
    rising = float(np.triu(np.sign(values[None, :] - values[:, None])).sum())
    return rising / float(np.sqrt(count * (count - 1) * (2 * count + 5) / 18))
