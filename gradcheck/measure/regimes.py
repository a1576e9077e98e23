"""Whether a noisy series has left a low level for a high one where it stays to the end."""

from __future__ import annotations

import numpy as np

from gradcheck.measure.baseline import SIGMA_PER_MAD
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
BLOW = np.log(4.0)
"""Height of a row over those before it, over the first ones, and over the level it left behind."""
BEFORE, AFTER, SHOCK = 10, 20, 5
"""Rows before a blow, rows that the level after it needs, and rows that belong to the blow."""
UNLEARNED_ROWS = 6
"""Rows of the first third of a run that learns something and loses all of it there."""
FLAT, BACK = 0.05, 0.75
"""Spread of the level at the end, and the least that it is, of the first loss; or the reverse."""
HALFWAY, DEEP = 0.8, 0.5
"""Share of that level below which rows had learned something, and the best of them much."""
LEFT = np.log(1.2)
"""Rise that a blow leaves behind for good."""
FIRST_ROWS, FAR_UP, COME_BACK = 5, np.log(2.0), 0.6
"""Rows that tell where a run began, a rise over that in logarithms, and what may be left of it."""
LITTLE, RETURNS, SMOOTH_ROWS, RIPPLE = 0.25, 2, 3, 0.1
"""Share of the first level that is little, how often it is regained, over how many rows, and the
noise of single rows beyond which they may do so by chance."""


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


def thrown_off(values: FloatArray) -> int | None:
    """The row of a blow after which positive `values` stay up, however little that is.

    Other data may raise a loss too, but not beyond what it cost a model that had learned nothing.
    """
    if len(values) < 2 * BEFORE + SHOCK + AFTER or bool((values <= 0).any()):
        return None
    logs = np.log(values)
    row = 2 * BEFORE + int(np.argmax(logs[2 * BEFORE :]))
    before, after = float(np.median(logs[row - BEFORE : row])), logs[row + SHOCK :]
    if len(after) < AFTER:
        return None
    start, end = float(np.median(logs[:3])), float(np.median(after))
    if logs[row] < max(before, end, start) + BLOW:
        return None
    left, lost = end - before, LOST / 2 * (start - before)
    thirds = [float(np.median(part)) for part in np.array_split(after, 3)]
    undone = thirds[2] - before < (thirds[0] - before) / 2
    # half of the rows before it lie where hardly one is afterwards
    if left < max(LEFT, lost) or float(np.quantile(after, 0.05)) <= before or undone:
        return None
    up = np.flatnonzero(logs[row - BEFORE : row] < before + LEFT)
    return row - BEFORE + int(up[-1]) + 1


def unlearned(values: FloatArray) -> int | None:
    """The row from which positive `values` are back where they began, and flat, for most of a run.

    What was learned within a few rows, epochs say, is gone, and nothing is learned any more.
    """
    early = len(values) // 3
    if early < UNLEARNED_ROWS or bool((values <= 0).any()):
        return None
    late = values[early:]
    level = float(np.median(late))
    low, high = (float(edge) for edge in np.quantile(late, (0.05, 0.95)))
    began = float(values[0])
    if high - low > FLAT * level or not BACK * began <= level <= began / BACK:
        return None
    below = np.flatnonzero(values[:early] < HALFWAY * level)
    if len(below) < 2 or float(values[below].min()) > DEEP * level:
        return None
    return int(below[-1]) + 1


def _is_coming_down(after: FloatArray, best: float) -> bool:
    peak = float(after.max())
    return float(after[-1]) < peak - COMING_DOWN * (peak - best)


def _first_row_up(logs: FloatArray, start: int, level: float) -> int:
    """The row after the last stretch of rows that was still down, from the block before on."""
    low = np.flatnonzero(logs[start : start + 2 * (len(logs) // BLOCKS)] < level)
    return start + (int(low[-1]) + 1 if len(low) else 0)


def beyond_start(values: FloatArray) -> tuple[int, int] | None:
    """The rows in which positive `values` were far above where they began, and came back from.

    A level of some rows is meant, and a level of the first rows: single ones say nothing. What is
    still up at the end is a divergence.
    """
    if len(values) < LEAST_ROWS // 2 or bool((values <= 0).any()):
        return None
    logs = np.log(values)
    levels = block_levels(logs, BLOCKS)
    rows = len(logs) // BLOCKS
    start = max(float(np.median(logs[:FIRST_ROWS])), float(logs[0]))
    least = max(FAR_UP, SIGMAS * 1.25 * noise(logs) * float(np.sqrt(1.0 / rows + 1.0 / FIRST_ROWS)))
    up = levels > start + least
    inner = np.flatnonzero(up[:-1] & up[1:])
    if not len(inner) or bool(up[-1]) or float(levels[-1]) > start + COME_BACK * least:
        return None
    above = np.flatnonzero(logs > start + least / 2)
    return int(above[0]), int(above[-1])


def undamped(values: FloatArray) -> tuple[int, int] | None:
    """The rows over which positive `values` swing, smoothly, between little and all they began at.

    Twice at least they come back up to there, over several rows each time: other data, or another
    task, does that from one row to the next.
    """
    if len(values) < BLOCKS or bool((values <= 0).any()):
        return None
    start = float(values[:2].max())
    # of bends, as a fast swing is steep between them
    ripple = SIGMA_PER_MAD * float(np.median(np.abs(np.diff(values, 2)))) / float(np.sqrt(6))
    if ripple > RIPPLE * start:
        return None
    state, returns, first, rising = "high", 0, 0, 0
    for row, value in enumerate(values.tolist()):
        if value < LITTLE * start:
            first = first or row
            state, rising = "low", 0
        elif state == "low":
            rising += 1
            if value > BACK * start:
                state = "high"
                returns += rising >= SMOOTH_ROWS
                if rising < SMOOTH_ROWS:
                    return None
    return (first, len(values) - 1) if returns >= RETURNS else None
