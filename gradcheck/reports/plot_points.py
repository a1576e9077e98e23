"""Chooses which points of a series a plot shows: the rows around the event, thinned by extremes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradcheck.model import FloatArray, IntArray, RunReport, Series

BEFORE, AFTER = 70, 20
SHORT = BEFORE + AFTER + 30
"""A series with no more rows than this is shown whole."""
FOLLOWED = 500
"""The window reaches on to a later failure if it follows within this many rows."""
EDGE = 10
GROWN = 4.0
"""Growth, as a ratio of medians, beyond which the trouble began before the window."""


def window(report: RunReport, series: Sequence[Series]) -> tuple[int, int] | None:
    """First and last `order` to show for all plots alike; None means the whole run."""
    onsets = _onsets(report)
    if not onsets or not series:
        return None
    guide = max(series, key=len)
    bad, *later = (int(row) for row in np.searchsorted(guide.order, onsets))
    worst = max((row for row in later if row <= bad + FOLLOWED), default=bad)
    start, end = max(bad - BEFORE, 0), min(worst + AFTER, len(guide) - 1)
    lead = int(guide.order[start])
    if len(guide) <= SHORT or any(_grew_before(s, lead, onsets[0]) for s in series):
        return None
    return lead, int(guide.order[end])


def thin(series: Series, buckets: int) -> tuple[IntArray, FloatArray]:
    """Steps and values with at most a lowest and a highest finite point for each bucket."""
    finite = np.flatnonzero(np.isfinite(series.value))
    if len(finite) <= 2 * buckets:
        return series.step[finite], series.value[finite]
    kept: set[int] = set()
    for chunk in np.array_split(finite, buckets):
        values = series.value[chunk]
        kept |= {int(chunk[values.argmin()]), int(chunk[values.argmax()])}
    rows = np.array(sorted(kept))
    return series.step[rows], series.value[rows]


def nonfinite_steps(series: Series, buckets: int) -> IntArray:
    """The steps at which the series was NaN or infinite, one for each bucket of steps."""
    lost = series.step[~np.isfinite(series.value)]
    if not len(lost):
        return lost
    width = max((int(series.step.max()) - int(series.step.min())) / buckets, 1.0)
    columns = ((lost - lost.min()) / width).astype(np.int64)
    return lost[np.unique(columns, return_index=True)[1]]


def _onsets(report: RunReport) -> list[int]:
    """Where in the run's own order the trouble began and grew: steps may repeat after a rewind."""
    bad = [e.order for e in report.events if e.step == report.first_bad_step is not None]
    grave = [e.order for e in report.events if e.severity is report.severity and e.step is not None]
    first = min(bad or grave, default=None)
    return [] if first is None else [first, *(order for order in grave if order > first)]


def _grew_before(series: Series, start: int, onset: int) -> bool:
    before = series.value[(series.order < start) & np.isfinite(series.value)]
    lead = series.value[(series.order >= start) & (series.order < onset)]
    edge = lead[np.isfinite(lead)][:EDGE]
    if len(before) < EDGE or len(edge) < EDGE or before.min() <= 0 or edge.min() <= 0:
        return False
    return bool(np.median(edge) > GROWN * np.quantile(before, 0.25))
