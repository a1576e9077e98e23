"""Gradients that die on the way to the first layers, or altogether, before anything is learned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.layers import extremes
from gradcheck.measure.robust import finite, level
from gradcheck.model import Event, Kind, Role, Run, Series, Severity

LEAST_ROWS = 20
TINY = 1e-6
"""Global norm over loss below which a step changes nothing."""
LAYER_RATIO = 1e-3
"""Smallest over largest layer norm (AUTOTRAINER, ICSE'21)."""
LEAST_CHANGE = 0.1
"""Relative change of the loss above which a run moves, whatever its gradients look like."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event, when the loss does not fall and a gradient norm says why."""
    loss = run.get(Role.LOSS)
    if loss is None or len(loss) < LEAST_ROWS or not _stands_still(loss):
        return
    series = _tiny_norm(run, loss) or _starved_layer(run)
    if series is not None:
        yield stretch_event(
            Kind.VANISHING_GRADIENT,
            Severity.WARNING,
            series,
            (0, len(series) - 1),
            recovered=False,
        )


def _stands_still(loss: Series) -> bool:
    if not np.isfinite(loss.value).all():
        return False
    fifth = len(loss) // 5
    first, last = level(loss.value[:fifth]), level(loss.value[-fifth:])
    return abs(last - first) <= LEAST_CHANGE * abs(first)


def _tiny_norm(run: Run, loss: Series) -> Series | None:
    norm = run.get(Role.GRAD_NORM)
    if norm is None or len(norm) < LEAST_ROWS:
        return None
    size = level(np.abs(finite(loss.value)))
    largest = max(level(part) for part in np.array_split(finite(norm.value), 3))
    return norm if largest < TINY * size else None


def _starved_layer(run: Run) -> Series | None:
    found = extremes(run)
    if found is None:
        return None
    smallest, largest = found
    return smallest[0] if smallest[1] < LAYER_RATIO * largest[1] else None
