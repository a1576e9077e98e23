"""A loss that is negative although a loss of its name cannot be."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.measure.events import stretch_event
from gradcheck.measure.losses import impossible_rows
from gradcheck.model import Event, Kind, Role, Run, Severity


def detect(run: Run) -> Iterator[Event]:
    """At most one event, a divergence: below its floor the loss has none."""
    loss = run.get(Role.LOSS)
    if loss is None:
        return
    rows = impossible_rows(loss)
    if len(rows):
        stretch = (int(rows[0]), int(rows[-1]))
        yield stretch_event(Kind.DIVERGENCE, Severity.FAILURE, loss, stretch, recovered=False)
