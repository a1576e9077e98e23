"""A loss that leaves its own noise upwards for a while."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from gradcheck.measure.events import spike_event
from gradcheck.measure.excursions import (
    LOSS,
    NOISY,
    Excursion,
    excursions,
    level_shifts,
    rhythmic,
)
from gradcheck.measure.rates import restarts
from gradcheck.measure.thrown_up import thrown_up
from gradcheck.model import Event, FloatArray, Kind, Objective, Role, Run, Series, Severity
from gradcheck.model.inside import OVERWRITTEN

MODEST = np.log(3.0)
"""Height, in logarithms, up to which a jump may be a new regime (harder data, a running mean)."""
LEAST_SHIFT = np.log(2.0)
LEAST_BEAT = np.log(1.5)
"""Height of spikes that keep time."""
RESTART_ROWS = 5
"""Rows after a restart of the learning rate in which the loss may be thrown up."""
OFTEN, ALIKE = 3, 1.25
"""Jumps, and how near their peaks are, after which what was learned in between is gone."""
SHIFT_ROWS = 20
"""Rows after which a modest excursion is a level, not a spike."""


def detect(run: Run) -> Iterator[Event]:
    """One event per excursion of the primary loss; adversarial and RL losses may jump."""
    loss = run.get(Role.LOSS)
    if loss is None:
        return
    calm = loss.objective in (Objective.MINIMISED, Objective.COMPONENT)
    rows = np.flatnonzero(np.isfinite(loss.value))
    values = loss.value[rows]
    found = excursions(values, LOSS if calm else NOISY)
    if loss.objective is Objective.MINIMISED:
        known = {excursion.first for excursion in found}
        thrown = [e for e in thrown_up(values) if known.isdisjoint(range(e.first, e.last + 1))]
        found = [*thrown, *found, *_lasting(values, found)]
        beats = rhythmic(values, LEAST_BEAT)
        found = beats if len(beats) > len(found) else found
    taken_back = _is_taken_back(run, [values[e.peak] for e in found])
    rate = run.get(Role.LEARNING_RATE) if found else None
    restarted = [int(rate.step[row]) for row in restarts(rate)] if rate is not None else []
    for excursion in found:
        event = spike_event(Kind.LOSS_SPIKE, loss, rows, excursion)
        if excursion.height < MODEST and _starts_an_epoch(run, event):
            continue
        is_shift = excursion.height < MODEST and excursion.last - excursion.first >= SHIFT_ROWS
        is_shift = is_shift and not taken_back
        planned = is_shift or _is_of_a_restart(restarted, loss, event)
        yield replace(event, severity=Severity.WARNING) if planned else event


def _is_of_a_restart(restarted: Sequence[int], loss: Series, event: Event) -> bool:
    """Whether the rate was raised just before to one that the run knows, and little was lost."""
    if not restarted or not event.recovered or event.step is None or event.value is None:
        return False
    row = int(np.searchsorted(loss.step, event.step))
    since = int(loss.step[max(0, row - RESTART_ROWS)])
    untrained = float(np.median(loss.value[:RESTART_ROWS]))
    return any(since <= at <= event.step for at in restarted) and event.value < untrained


def _is_taken_back(run: Run, peaks: Sequence[float]) -> bool:
    """Whether weights that were seen to be overwritten throw the loss up equally far, every time.

    A loop that begins new tasks from what it has learned is thrown up less and less.
    """
    written = any(one.key == OVERWRITTEN for one in run.observations)
    return written and len(peaks) >= OFTEN and max(peaks) < ALIKE * min(peaks)


def _lasting(values: FloatArray, told: Sequence[Excursion]) -> Iterator[Excursion]:
    """Shifts of the level that no excursion tells of."""
    for shift in level_shifts(values, LEAST_SHIFT):
        if not any(e.first - SHIFT_ROWS <= shift.first <= e.last + SHIFT_ROWS for e in told):
            yield shift


def _starts_an_epoch(run: Run, event: Event) -> bool:
    """Whether it is the first row of an epoch: running means restart there, orders change."""
    epoch = run.get(Role.EPOCH)
    if epoch is None or event.step is None:
        return False
    at = int(np.searchsorted(epoch.step, event.step))
    return 0 < at < len(epoch) and np.floor(epoch.value[at]) > np.floor(epoch.value[at - 1])
