"""When a learning rate was last large enough to change anything."""

from __future__ import annotations

import numpy as np

from gradcheck.measure.robust import finite, line, noise
from gradcheck.model import FloatArray, Series

COLLAPSED, CUT_SHORT = 1e-3, 2e-2
"""Share of its peak below which a rate changes nothing; below which one does little that was cut
while the loss still fell, as a plateau that was none, or a scheduler called too often, cuts it."""
CUT = 0.55
"""Rate after a cut over that before it."""
LEAST_ROWS = 12
SURE = 4.0
"""Standard errors that make a fall of the loss."""


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
