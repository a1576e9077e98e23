"""A policy that leaves, update after update, the one that its data was sampled with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure import policies
from gradcheck.measure.events import stretch_event
from gradcheck.model import Event, Kind, Run, Severity

LASTING, MOSTLY = 8, 0.7
"""Updates to the end of which most are beyond the limit: one early in a training is soon undone."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event: from where the divergence of the policies stays beyond all that is meant.

    The share of clipped ratios is no proof by itself, as clipping is what holds the policy.
    """
    for series, limits in policies.measures(run):
        if not policies.is_own(series):
            continue
        with np.errstate(invalid="ignore"):
            beyond = np.abs(series.value) > limits[0]
        share = np.cumsum(beyond[::-1])[::-1] / np.arange(len(beyond), 0, -1)
        from_here = np.flatnonzero(beyond & (share >= MOSTLY))
        first = int(from_here[0]) if len(from_here) else len(series)
        if len(series) - first >= LASTING:
            rows = (first, len(series) - 1)
            yield stretch_event(Kind.DIVERGENCE, Severity.WARNING, series, rows, recovered=False)
            return
