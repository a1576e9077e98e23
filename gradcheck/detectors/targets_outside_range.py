"""A loss that fell below 0 after it was seen to get targets that it has no floor for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.model import Event, Kind, Role, Run, Severity

OBSERVED = "probability_outside_range"


def detect(run: Run) -> Iterator[Event]:
    """At most one event, a divergence: what the loss is minimised to has no bottom."""
    loss = run.get(Role.LOSS)
    if loss is None or not any(seen.key == OBSERVED for seen in run.observations):
        return
    below = np.flatnonzero(loss.value < 0)
    if len(below):
        rows = (int(below[0]), len(loss) - 1)
        yield stretch_event(Kind.DIVERGENCE, Severity.FAILURE, loss, rows, recovered=False)
