"""A loss scale that is halved again and again, because every step overflows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.stretches import stretches
from gradcheck.model import Event, Kind, Role, Run, Series, Severity

LEAST_HALVINGS = 6.0
"""Factors of two lost without a rise in between; the search of the first steps is shorter."""
START_ROWS = 20
GONE = 2.0**-10
"""A scale that no sound gradient asks for."""
SETTLED = 8.0
"""Logarithm to 2 of a scale at which a search may well end: gradients of 256 overflow beyond it. A
log that tells of overflows only has no row after its last one."""


def detect(run: Run) -> Iterator[Event]:
    """One event per fall through at least 2⁶; a healthy scaler grows again after each skip."""
    series = run.get(Role.LOSS_SCALE)
    if series is None:
        return
    falls = list(_falls(series))
    for first, last in falls or _gone(series):
        recovered = bool((series.value[last:] > 2 * series.value[last]).any())
        yield stretch_event(
            Kind.LOSS_SCALE_COLLAPSE,
            Severity.WARNING if recovered else Severity.FAILURE,
            series,
            (first, last),
            recovered=recovered,
        )


def _gone(series: Series) -> Iterator[tuple[int, int]]:
    """The rows of a scale that scales nothing up any more, and is halved still."""
    tiny = np.flatnonzero(series.value <= GONE)
    if len(tiny) and tiny[-1] == len(series) - 1 and bool((np.diff(series.value[tiny]) < 0).any()):
        yield int(tiny[0]), len(series) - 1


def _falls(series: Series) -> Iterator[tuple[int, int]]:
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.log2(np.maximum(series.value, 2.0**-64))
    for first, last in stretches(np.diff(scale) < -0.5, join=3):
        lost = scale[first] - scale[last + 1]
        rises = bool((np.diff(scale[first : last + 2]) > 0.5).any())
        went_on = scale[last + 1] > 0 and last + START_ROWS < len(scale)
        searching = first < START_ROWS and (went_on or scale[last + 1] >= SETTLED)
        if lost >= LEAST_HALVINGS and not rises and not searching:
            yield first + 1, last + 1
