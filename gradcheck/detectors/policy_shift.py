"""A policy that leaves, update after update, the one that its data was sampled with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure import policies
from gradcheck.measure.events import stretch_event
from gradcheck.model import Event, FloatArray, Kind, Run, Severity

LASTING, MOSTLY = 8, 0.7
"""Updates to the end of which most are beyond the limit: one early in a training is soon undone."""
THROWN = 100.0
"""Times the limit of an update after which little is left of the policy."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event: from where the divergence of the policies stays beyond all that is meant.

    The share of clipped ratios is no proof by itself, as clipping is what holds the policy.
    """
    for series, limits in policies.measures(run):
        if not policies.is_own(series):
            continue
        rows = _lasting(np.abs(series.value), limits[0])
        if rows is not None:
            yield stretch_event(Kind.DIVERGENCE, Severity.WARNING, series, rows, recovered=False)
            return


def _lasting(values: FloatArray, limit: float) -> tuple[int, int] | None:
    """From where on most updates are beyond the limit, or those after which little is left."""
    with np.errstate(invalid="ignore"):
        beyond, thrown = values > limit, np.flatnonzero(values > THROWN * limit)
    share = np.cumsum(beyond[::-1])[::-1] / np.arange(len(beyond), 0, -1)
    from_here = np.flatnonzero(beyond & (share >= MOSTLY))
    if len(from_here) and len(values) - int(from_here[0]) >= LASTING:
        return int(from_here[0]), len(values) - 1
    return (int(thrown[0]), int(thrown[-1])) if len(thrown) else None
