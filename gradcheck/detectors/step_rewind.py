"""A step that goes back: a resume from a checkpoint, told as such and not as a spike."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.measure.attempts import clock, rewinds
from gradcheck.model import Event, Kind, Run, Severity


def detect(run: Run) -> Iterator[Event]:
    """One event per resume; the rows written twice lie between `step` and `last_step`."""
    series = clock(run)
    for rewind in rewinds(run):
        if not rewind.restart:
            yield Event(
                kind=Kind.STEP_REWIND,
                severity=Severity.WARNING,
                series=series.name if series else None,
                step=rewind.resumed,
                last_step=rewind.left,
                recovered=True,
                order=rewind.order,
            )
