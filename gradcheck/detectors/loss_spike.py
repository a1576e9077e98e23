"""A loss that leaves its own noise upwards for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradcheck.measure.events import spike_event
from gradcheck.measure.excursions import LOSS, NOISY, excursions
from gradcheck.model import Event, Kind, Objective, Role, Run, Severity

MODEST = np.log(3.0)
"""Height, in logarithms, up to which a jump may be a new regime (harder data, a running mean)."""
SHIFT_ROWS = 20
"""Rows after which a modest excursion is a level, not a spike."""


def detect(run: Run) -> Iterator[Event]:
    """One event per excursion of the primary loss; adversarial and RL losses may jump."""
    loss = run.get(Role.LOSS)
    if loss is None:
        return
    calm = loss.objective in (Objective.MINIMISED, Objective.COMPONENT)
    rows = np.flatnonzero(np.isfinite(loss.value))
    for excursion in excursions(loss.value[rows], LOSS if calm else NOISY):
        event = spike_event(Kind.LOSS_SPIKE, loss, rows, excursion)
        if excursion.height < MODEST and _starts_an_epoch(run, event):
            continue
        is_shift = excursion.height < MODEST and excursion.last - excursion.first >= SHIFT_ROWS
        yield replace(event, severity=Severity.WARNING) if is_shift else event


def _starts_an_epoch(run: Run, event: Event) -> bool:
    """Whether it is the first row of an epoch: running means restart there, orders change."""
    epoch = run.get(Role.EPOCH)
    if epoch is None or event.step is None:
        return False
    at = int(np.searchsorted(epoch.step, event.step))
    return 0 < at < len(epoch) and np.floor(epoch.value[at]) > np.floor(epoch.value[at - 1])
