"""A loss that creeps up for good while the learning rate or the gradients leave their range."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.detectors import divergence
from gradcheck.measure.events import stretch_event
from gradcheck.measure.robust import block_levels
from gradcheck.measure.tasks import changes
from gradcheck.measure.terms import are_weighed_anew
from gradcheck.measure.trends import creeping_rise
from gradcheck.model import Event, Kind, Objective, Role, Run, Series, Severity

RATE_GREW = 2.0
"""A learning rate over that at which the loss began to rise; it has only gone up since."""
NORM_GREW, BLOCKS, FIRST_ROWS, STAYS = 3.0, 12, 3, 0.9
"""A gradient norm over that of the first rows, in each twelfth of the run, and at its end over
what it usually is."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event: such a rise alone is often another task, or another weight of a term."""
    loss = run.get(Role.LOSS)
    if loss is None or loss.objective is not Objective.MINIMISED:
        return
    if not bool(np.isfinite(loss.value).all()):
        return
    first = creeping_rise(loss.value)
    if first is None or any(changes(run)):
        return
    rows = (first, len(loss) - 1)
    if are_weighed_anew(run, loss, rows):
        return
    rises = _rate_goes_on(run, int(loss.step[first]))
    if not rises and not _gradient_stays_up(run.get(Role.GRAD_NORM)):
        return
    if not any(divergence.detect(run)):  # else it is told already
        severity = Severity.FAILURE if rises else Severity.WARNING
        yield stretch_event(Kind.DIVERGENCE, severity, loss, rows, recovered=False)


def _rate_goes_on(run: Run, step: int) -> bool:
    """Whether the learning rate has only gone up from this step on, and by much."""
    rate = run.get(Role.LEARNING_RATE)
    if rate is None:
        return False
    since = rate.value[rate.step >= step]
    rises = len(since) > 1 and bool((np.diff(since) >= 0).all())
    return rises and 0 < RATE_GREW * float(since[0]) <= float(since[-1])


def _gradient_stays_up(norm: Series | None) -> bool:
    """Whether the gradient grew from its first rows on and has not come down since."""
    if norm is None or len(norm) < BLOCKS * FIRST_ROWS or not bool(np.isfinite(norm.value).all()):
        return False
    begun = float(np.median(norm.value[:FIRST_ROWS]))
    levels = block_levels(norm.value, BLOCKS)
    grew = bool((levels[1:] >= NORM_GREW * begun).all())
    return grew and float(levels[-1]) >= STAYS * float(np.median(levels))
