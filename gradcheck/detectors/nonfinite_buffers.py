"""Running statistics that were seen to be NaN or infinite: evaluation is broken for good."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.measure.stretches import rows_within
from gradcheck.model import Event, Kind, Role, Run, Severity

OBSERVED = "buffer_nonfinite"


def detect(run: Run) -> Iterator[Event]:
    """At most one event, where the loss itself stays finite: else the loss tells."""
    seen = next((one for one in run.observations if one.key == OBSERVED), None)
    loss = run.get(Role.LOSS)
    if seen is None or seen.step is None or loss is None:
        return
    rows = rows_within(loss, seen.step, seen.step)
    order = int(loss.order[rows[0]]) if len(rows) else 0
    yield Event(
        kind=Kind.NONFINITE_WEIGHTS,
        severity=Severity.FAILURE,
        series=None,
        step=seen.step,
        last_step=run.last_step,
        recovered=False,
        order=order,
        text=seen.statement,
    )
