"""A negative loss that falls on and on at the pace of its learning rate, as if it had no floor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.robust import noise
from gradcheck.measure.stretches import same_rows
from gradcheck.model import Event, FloatArray, Kind, Objective, Role, Run, Series, Severity

LEAST_ROWS, PARTS = 24, 8
FAR, CLEAR = 30.0, 10.0
"""Last level over the size of the first row, and over the noise."""
STEADY = 0.5
"""Fall in the second half beside that in the first: a likelihood slows down as it fits."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event, a warning: the loss of a reward, say, may do that for long."""
    loss = run.get(Role.LOSS)
    if loss is None or loss.objective is not Objective.MINIMISED or len(loss) < LEAST_ROWS:
        return
    if bool(np.isfinite(loss.value).all()) and _falls_steadily(loss.value, _way(run, loss)):
        below = np.flatnonzero(loss.value < 0)
        stretch = (int(below[0]), len(loss) - 1)
        yield stretch_event(Kind.DIVERGENCE, Severity.WARNING, loss, stretch, recovered=False)


def _way(run: Run, loss: Series) -> FloatArray:
    """How far training had gone at each row: the sum of its rates, of its rows where none is known.

    With a gradient that stays the same, the loss falls by as much as the rate lets it.
    """
    rate = run.get(Role.LEARNING_RATE)
    if rate is not None:
        rows, of_rate = same_rows(loss, rate, 0)
        rates = rate.value[of_rate]
        if len(rows) == len(loss) and bool((np.isfinite(rates) & (rates >= 0)).all()):
            return np.cumsum(rates)
    return np.arange(1.0, len(loss) + 1)


def _falls_steadily(values: FloatArray, way: FloatArray) -> bool:
    levels = _levels(values, way)
    if levels is None:
        return False
    near = max(FAR * abs(float(values[0])), CLEAR * noise(values))
    if levels[-1] > -near or bool((np.diff(levels) >= 0).any()):
        return False
    half = PARTS // 2
    return float(levels[half - 1] - levels[-1]) > STEADY * float(levels[0] - levels[half])


def _levels(values: FloatArray, way: FloatArray) -> FloatArray | None:
    """Medians of parts of the way that are equally long; None where one has hardly a row."""
    if way[-1] <= way[0]:
        return None
    part = np.minimum(((way - way[0]) / (way[-1] - way[0]) * PARTS).astype(int), PARTS - 1)
    if int(np.bincount(part, minlength=PARTS).min()) < 2:
        return None
    return np.array([np.median(values[part == at]) for at in range(PARTS)])
