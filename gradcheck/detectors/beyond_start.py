"""A loss that was far worse than that of the untrained model for long, or swings back up to it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.regimes import beyond_start, undamped
from gradcheck.model import Event, Kind, Objective, Role, Run, Severity


def detect(run: Run) -> Iterator[Event]:
    """At most one event, a warning: such a run may learn all the same, or learn another task."""
    loss = run.get(Role.LOSS)
    if loss is None or loss.objective is not Objective.MINIMISED:
        return
    if not bool(np.isfinite(loss.value).all()):
        return
    climbed, swings = beyond_start(loss.value), undamped(loss.value)
    found = climbed or swings
    if found is not None:
        yield stretch_event(
            Kind.DIVERGENCE, Severity.WARNING, loss, found, recovered=climbed is not None
        )
