"""A gradient norm that leaves its own noise upwards for a while."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import spike_event
from gradcheck.measure.excursions import GRADIENT, NOISY, excursions, rhythmic
from gradcheck.measure.layers import norms_by_optimizer
from gradcheck.model import Event, Kind, Role, Run


def detect(run: Run) -> Iterator[Event]:
    """One event per excursion of the global gradient norm, or of each optimizer's.

    Where there are several optimizers they play a game, or learn from each other: their gradients
    may change by factors.
    """
    norm = run.get(Role.GRAD_NORM)
    judged = [(norm, GRADIENT)] if norm is not None else []
    judged = judged or [(series, NOISY) for series in norms_by_optimizer(run)]
    for series, sensitivity in judged:
        rows = np.flatnonzero(np.isfinite(series.value))
        values = series.value[rows]
        found = excursions(values, sensitivity)
        beats = rhythmic(values, sensitivity.least_log) if series is norm else []
        found = beats if len(beats) > len(found) else found
        for excursion in found:
            yield spike_event(Kind.GRADIENT_SPIKE, series, rows, excursion)
