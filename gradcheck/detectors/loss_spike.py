"""A loss that leaves its own noise upwards for a while."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import spike_event
from gradcheck.measure.excursions import LOSS, NOISY, excursions
from gradcheck.model import Event, Kind, Objective, Role, Run


def detect(run: Run) -> Iterator[Event]:
    """One event per excursion of the primary loss; adversarial and RL losses are expected to jump."""
    loss = run.get(Role.LOSS)
    if loss is None:
        return
    calm = loss.objective in (Objective.MINIMISED, Objective.COMPONENT)
    rows = np.flatnonzero(np.isfinite(loss.value))
    for excursion in excursions(loss.value[rows], LOSS if calm else NOISY):
        yield spike_event(Kind.LOSS_SPIKE, loss, rows, excursion)
