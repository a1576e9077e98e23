"""The run ended in an error that its own log tells of; what went on afterwards was no crash."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.model import Event, Kind, Message, Run, Said, Severity

# What names the fault comes before what merely follows from it.
_GRAVEST_FIRST = (
    Said.NONFINITE,
    Said.INDEX_OUT_OF_RANGE,
    Said.DEVICE_ASSERT,
    Said.OUT_OF_MEMORY,
    Said.EXCEPTION,
    Said.COMMUNICATION,
    Said.KILLED,
)
_CAUSED_BY_NUMBERS = frozenset({Said.NONFINITE, Said.INDEX_OUT_OF_RANGE, Said.DEVICE_ASSERT})


def detect(run: Run) -> Iterator[Event]:
    """At most one event: the message behind the last point that names the fault best."""
    if not run.messages:
        return
    last = max((int(series.order[-1]) for series in run.series if len(series)), default=0)
    final = [message for message in run.messages if message.order >= last]
    if not final:
        return
    worst = min(final, key=lambda message: _GRAVEST_FIRST.index(message.said))
    step = _step_at(run, worst)
    yield Event(
        kind=Kind.CRASH,
        severity=Severity.FAILURE if worst.said in _CAUSED_BY_NUMBERS else Severity.WARNING,
        series=None,
        step=step,
        last_step=step,
        recovered=False,
        order=worst.order,
        text=worst.text,
    )


def _step_at(run: Run, message: Message) -> int | None:
    """The last step that the log had reached when it said so."""
    reached = [
        int(series.step[row - 1])
        for series in run.series
        if (row := int(np.searchsorted(series.order, message.order, side="right")))
    ]
    return max(reached, default=None)
