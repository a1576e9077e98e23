"""A weight norm that is NaN or infinite."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.stretches import stretches
from gradcheck.model import Event, Kind, Role, Run, Severity


def detect(run: Run) -> Iterator[Event]:
    """One event per stretch; weights that came back were restored by hand, yet they were lost."""
    for series in run.every(Role.WEIGHT_NORM):
        for first, last in stretches(~np.isfinite(series.value)):
            recovered = last + 1 < len(series)
            severity = Severity.SPIKE if recovered else Severity.FAILURE
            yield stretch_event(
                Kind.NONFINITE_WEIGHTS, severity, series, (first, last), recovered=recovered
            )
