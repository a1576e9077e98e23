"""When a learning rate was raised at once, and when it was last large enough to change anything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.robust import finite, line, noise
from gradcheck.model import FloatArray, Series

COLLAPSED, CUT_SHORT = 1e-3, 2e-2
"""Share of its peak below which a rate changes nothing; below which one does little that was cut
while the loss still fell, as a plateau that was none, or a scheduler called too often, cuts it."""
CUT = 0.55
"""Rate after a cut over that before it."""
LEAST_JUMP = 2.0
KNOWN_ROWS, KNOWN = 10, 1.01
"""Rows that a run has lived with a rate, and what may be above it: it knows the rate."""
LEAST_ROWS = 12
SURE = 4.0
"""Standard errors that make a fall of the loss."""


def raised(rate: Series) -> Iterator[int]:
    """The rows in which a rate was raised at once, but for those of a ramp that has just begun."""
    previous, current = rate.value[:-1], rate.value[1:]
    for row in np.flatnonzero((current >= LEAST_JUMP * previous) & (previous > 0)) + 1:
        if row > 2 and not _is_warmup(rate, int(row)):
            yield int(row)


def restarts(rate: Series) -> Iterator[int]:
    """The rows in which a rate was raised at once to one that the run had had for a while."""
    highest, seen = np.zeros(0), 0
    for row in raised(rate):
        # a cyclical rate is raised often: only its highest rows are looked at again
        highest = np.sort(np.concatenate([highest, rate.value[seen:row]]))[-KNOWN_ROWS:]
        seen = row
        if len(highest) == KNOWN_ROWS and rate.value[row] <= KNOWN * highest[0]:
            yield row


def _is_warmup(rate: Series, row: int) -> bool:
    """Whether the rate had been rising already: a ramp from 0 doubles in its first rows."""
    before = rate.value[max(0, row - 3) : row]
    return bool((np.diff(before) > 0).all())


def last_alive(rate: Series, loss: Series, least: float = 0.0) -> tuple[int, bool]:
    """The last row of a rate before it was next to nothing, and whether it was cut too early.

    `least` is the size below which any rate is nothing.
    """
    values = np.abs(rate.value)
    peak = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    early = was_cut_while_learning(rate, loss)
    alive = np.flatnonzero(values > max((CUT_SHORT if early else COLLAPSED) * peak, least))
    return int(alive[-1]) if len(alive) else 0, early


def was_cut_while_learning(rate: Series, loss: Series) -> bool:
    """Whether the loss was falling for as long as the rate had its size, and then was cut."""
    values = np.abs(rate.value)
    if len(values) < 2 or not np.isfinite(values).all():
        return False
    cuts = np.flatnonzero(values[1:] <= CUT * values[:-1]) + 1
    cuts = cuts[values[cuts - 1] > CUT * values.max()]
    if not len(cuts) or bool((values[cuts[-1] :] > CUT * values.max()).any()):
        return False
    before = finite(loss.value[loss.step < rate.step[cuts[-1]]])
    return len(before) >= LEAST_ROWS and _falls(before[len(before) // 2 :])


def _falls(values: FloatArray) -> bool:
    rows = np.arange(len(values), dtype=float)
    fall = -line(rows, values)[0] * len(values)
    return fall > SURE * noise(values) * float(np.sqrt(12 / len(values)))
