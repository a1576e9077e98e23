"""A network that a burst has switched off: the loss is frozen after it and gradients are gone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.robust import noise
from gradcheck.model import Event, Kind, Objective, Role, Run, Severity

LEAST_ROWS = 30


def detect(run: Run) -> Iterator[Event]:
    """One event from the row on which the gradient norm stays exactly 0."""
    norm, loss = run.get(Role.GRAD_NORM), run.get(Role.LOSS)
    if norm is None or loss is None or loss.objective is not Objective.MINIMISED:
        return
    nonzero = np.flatnonzero(norm.value != 0)
    first = int(nonzero[-1]) + 1 if len(nonzero) else 0
    if len(norm) - first < LEAST_ROWS or first == 0:
        return
    after = loss.value[loss.step >= norm.step[first]]
    before = loss.value[loss.step < norm.step[first]]
    if len(after) < LEAST_ROWS or not np.isfinite(after).all() or float(after[-1]) == 0:
        return
    if float(np.median(after)) > 0.5 * float(np.nanmedian(before[:5])) or noise(after) == 0:
        yield stretch_event(
            Kind.DEAD_UNITS, Severity.WARNING, norm, (first, len(norm) - 1), recovered=False
        )
