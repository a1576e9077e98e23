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
from gradcheck.measure.thrown_up import thrown_up
from gradcheck.model import Event, FloatArray, Kind, Objective, Role, Run, Severity

MODEST = np.log(3.0)
"""Height, in logarithms, up to which a jump may be a new regime (harder data, a running mean)."""
LEAST_SHIFT = np.log(2.0)
LEAST_BEAT = np.log(1.5)
"""Height of spikes that keep time."""
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
    for excursion in found:
        event = spike_event(Kind.LOSS_SPIKE, loss, rows, excursion)
        if excursion.height < MODEST and _starts_an_epoch(run, event):
            continue
        is_shift = excursion.height < MODEST and excursion.last - excursion.first >= SHIFT_ROWS
        yield replace(event, severity=Severity.WARNING) if is_shift else event


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
