"""A loss that ends far above the best it had reached, or falls without a floor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.climbs import Climb, climb
from gradcheck.measure.events import stretch_event
from gradcheck.model import Event, FloatArray, Kind, Objective, Role, Run, Series, Severity

LEAST_RISE = 1.5
"""End over best, where values are positive."""
LEAST_RISE_UNTRUSTED = 1e3
"""The same for adversarial and RL losses, whose level says nothing about success."""
FLOORLESS = 30.0
"""Growth of a negative loss, in its own earlier magnitude, over the last third of the run."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event: from the row where the primary loss left its best level for good."""
    loss = run.get(Role.LOSS) or run.get(Role.VALIDATION_LOSS)
    if loss is None or loss.role is Role.VALIDATION_LOSS:
        return
    rows = _judged_rows(loss)
    values = loss.value[rows]
    into_nonfinite = len(rows) > 0 and rows[-1] + 1 < len(loss)
    risen = climb(values, into_nonfinite=into_nonfinite)
    first = risen.first if risen and _is_grave(loss, risen) else _floorless(values)
    if first is None:
        return
    yield stretch_event(
        Kind.DIVERGENCE,
        Severity.FAILURE,
        loss,
        (int(rows[min(first, len(rows) - 1)]), int(rows[-1])),
        recovered=False,
    )


def _judged_rows(loss: Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """All finite rows; only those before the NaN where the log ends in it."""
    finite = np.isfinite(loss.value)
    if not len(loss) or finite[-1]:
        return np.flatnonzero(finite)
    last_finite = np.flatnonzero(finite)
    return last_finite


def _is_grave(loss: Series, risen: Climb) -> bool:
    trusted = loss.objective in (Objective.MINIMISED, Objective.COMPONENT)
    if np.isnan(risen.ratio):
        return trusted
    return risen.ratio >= (LEAST_RISE if trusted else LEAST_RISE_UNTRUSTED)


def _floorless(values: FloatArray) -> int | None:
    """The row from which a negative loss ran away downwards, faster and faster, None if it did not."""
    if len(values) < 20 or values[-1] >= 0:
        return None
    third = len(values) // 3
    usual = float(np.median(np.abs(values[:third]))) + 1e-12
    late = values[-third:]
    runaway = -float(np.median(values[-3:])) > FLOORLESS * usual
    halves = np.array_split(late, 2)
    accelerating = np.ptp(halves[1]) > 2.0 * np.ptp(halves[0])
    if not (runaway and accelerating):
        return None
    return int(np.argmax(values < -3.0 * usual))
