"""A loss that is NaN or infinite."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import came_back, stretch_event
from gradcheck.measure.stretches import stretches
from gradcheck.model import Event, Kind, Objective, Role, Run, Series, Severity

MOST = 100
"""Stretches told one by one; a log of alternating NaN has thousands."""


def detect(run: Run) -> Iterator[Event]:
    """One event per stretch of non-finite rows, for losses that failed no later than the total."""
    primary = run.get(Role.LOSS)
    earliest = _first_bad_order(primary) if primary else None
    for series in run.every(Role.LOSS) + run.every(Role.VALIDATION_LOSS):
        first = _first_bad_order(series)
        if first is None:
            continue
        independent = series is primary or series.objective is Objective.ADVERSARIAL
        independent = independent or _outlives(series, primary)
        if independent or earliest is None or first < earliest:
            yield from _events(series, total_is_finite=primary is not None and earliest is None)


def _first_bad_order(series: Series) -> int | None:
    rows = np.flatnonzero(~np.isfinite(series.value))
    return int(series.order[rows[0]]) if len(rows) else None


def _outlives(series: Series, primary: Series | None) -> bool:
    """Whether an evaluation ends non-finite although the training loss came back."""
    if primary is None or series.role is not Role.VALIDATION_LOSS or not len(primary):
        return False
    return not np.isfinite(series.value[-1]) and bool(np.isfinite(primary.value[-1]))


def _events(series: Series, *, total_is_finite: bool) -> Iterator[Event]:
    bad = ~np.isfinite(series.value)
    for first, last in stretches(bad)[:MOST]:
        recovered = came_back(series, first, last)
        severity = _severity(series, recovered, total_is_finite)
        yield stretch_event(
            Kind.NONFINITE_LOSS, severity, series, (first, last), recovered=recovered
        )


def _severity(series: Series, recovered: bool, total_is_finite: bool) -> Severity:
    part_of_finite_total = series.objective is Objective.COMPONENT and total_is_finite
    if part_of_finite_total or (recovered and series.role is Role.VALIDATION_LOSS):
        return Severity.WARNING
    return Severity.SPIKE if recovered else Severity.FAILURE
