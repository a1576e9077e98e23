"""A learning rate that is raised at once and makes the loss or the gradient worse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.rates import raised
from gradcheck.measure.robust import block_levels, finite, level
from gradcheck.model import Event, Kind, Role, Run, Series, Severity

ROWS = 10
WORSE = 1.5
SAME = 1.1
WATCHED = (Role.LOSS, Role.GRAD_NORM)


def detect(run: Run) -> Iterator[Event]:
    """One event per jump that hurt; a restart that the run takes in its stride is no event."""
    rate = run.get(Role.LEARNING_RATE)
    if rate is None:
        return
    watched = [series for role in WATCHED if (series := run.get(role)) is not None]
    for row in raised(rate):
        step = int(rate.step[row])
        hurt = [series for series in watched if _got_worse(series, step)]
        if hurt:
            yield stretch_event(
                Kind.LEARNING_RATE_JUMP,
                Severity.WARNING,
                rate,
                (row, row),
                recovered=all(_came_back(series, step) for series in hurt),
            )


def _got_worse(series: Series, step: int) -> bool:
    at = int(np.searchsorted(series.step, step))
    before, after = series.value[max(0, at - ROWS) : at], series.value[at : at + ROWS]
    if not len(before) or not len(after):
        return False
    if not np.isfinite(after).all():
        return True
    usual = level(finite(before))
    return usual > 0 and float(after.max()) > WORSE * max(usual, float(finite(before).max()))


def _came_back(series: Series, step: int) -> bool:
    """Whether some later stretch of rows is down again where the rows before the jump were."""
    at = int(np.searchsorted(series.step, step))
    before, after = series.value[max(0, at - ROWS) : at], series.value[at:]
    if not np.isfinite(after).all():
        return False
    levels = block_levels(after, max(1, len(after) // ROWS))
    return bool(levels.min() <= SAME * level(finite(before)))
