"""A gradient norm that leaves its own noise upwards for a while."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import spike_event
from gradcheck.measure.excursions import GRADIENT, excursions
from gradcheck.model import Event, Kind, Role, Run


def detect(run: Run) -> Iterator[Event]:
    """One event per excursion of the global gradient norm."""
    norm = run.get(Role.GRAD_NORM)
    if norm is None:
        return
    rows = np.flatnonzero(np.isfinite(norm.value))
    for excursion in excursions(norm.value[rows], GRADIENT):
        yield spike_event(Kind.GRADIENT_SPIKE, norm, rows, excursion)
