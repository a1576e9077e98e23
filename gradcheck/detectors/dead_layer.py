"""A layer that passes on zeros for every sample: what lies before it gets no gradient at all."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.measure.events import stretch_event
from gradcheck.measure.layers import cut_off
from gradcheck.model import Event, Kind, Run, Severity


def detect(run: Run) -> Iterator[Event]:
    """At most one event, over all rows; the loss may well fall by what the last bias learns."""
    weight = cut_off(run)
    if weight is not None:
        yield stretch_event(
            Kind.DEAD_UNITS, Severity.WARNING, weight, (0, len(weight) - 1), recovered=False
        )
