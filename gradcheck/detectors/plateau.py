"""A loss that does not move from its first value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.robust import block_levels, noise
from gradcheck.model import Event, Kind, Objective, Role, Run, Severity

LEAST_ROWS = 30
LEAST_FALL = 0.02
"""Relative fall of the level over the whole run that counts as learning."""
DRIFT = 0.05
"""Spread of the levels on the way, relative to their size, within which a run is flat."""


def detect(run: Run) -> Iterator[Event]:
    """One event over the whole run when nothing was learned; a late plateau is convergence."""
    loss = run.get(Role.LOSS)
    if loss is None or len(loss) < LEAST_ROWS or loss.objective is not Objective.MINIMISED:
        return
    if not np.isfinite(loss.value).all() or float(np.median(np.abs(loss.value))) == 0:
        return
    levels = block_levels(loss.value, 10)
    size = float(np.median(np.abs(levels)))
    first = float(np.median(loss.value[:3]))
    fall = max(first, float(levels[0])) - float(levels[-1])
    tolerance = max(LEAST_FALL * size, 0.2 * noise(loss.value) / np.sqrt(len(loss) / 10))
    if fall < tolerance and np.ptp(levels) < max(DRIFT * size, 2 * tolerance):
        yield stretch_event(
            Kind.PLATEAU, Severity.WARNING, loss, (0, len(loss) - 1), recovered=False
        )
