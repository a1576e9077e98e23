"""A loss or gradient norm that explodes within the first rows, too few to speak of a level."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.climbs import climb
from gradcheck.measure.events import stretch_event
from gradcheck.model import Event, Kind, Role, Run, Series, Severity

MOST_ROWS = 12
"""Finite rows before the failure; where there are more, there is a level to diverge from."""
EXPLODED = 5.0
"""Last finite row over the first."""
LEFT = 2.0


def detect(run: Run) -> Iterator[Event]:
    """At most one event: from the row that left the first one's size, into NaN or infinity."""
    for role in (Role.LOSS, Role.GRAD_NORM):
        series = run.get(role)
        first = _first_row_out(series) if series is not None else None
        if series is not None and first is not None:
            last = int(np.argmin(np.isfinite(series.value))) - 1
            yield stretch_event(
                Kind.DIVERGENCE, Severity.FAILURE, series, (first, last), recovered=False
            )
            return


def _first_row_out(series: Series) -> int | None:
    bad = np.flatnonzero(~np.isfinite(series.value))
    if not len(bad) or not 2 <= bad[0] <= MOST_ROWS or np.isfinite(series.value[-1]):
        return None
    values = np.abs(series.value[: bad[0]])
    if values[0] == 0 or values[-1] < EXPLODED * values[0]:
        return None
    low = np.flatnonzero(values <= LEFT * values[0])
    first = int(low[-1]) + 1
    risen = climb(series.value[: bad[0]], into_nonfinite=True)
    # told already where there was enough of a level
    return None if risen is not None and risen.first <= first else first
