"""A NaN that the logger hid: the loss drops to exactly 0 in one row and stays there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.robust import level
from gradcheck.model import Event, FloatArray, Kind, Role, Run, Series, Severity

LEAST_ZEROS = 3
LEAST_ROWS = 5
CLIFF = 0.3
"""A loss that honestly reaches 0 gets small first: the last value over the recent median."""


def detect(run: Run) -> Iterator[Event]:
    """One event from the first zero; Hugging Face's `logging_nan_inf_filter` writes such logs."""
    loss = run.get(Role.LOSS)
    if loss is None:
        return
    first = _first_of_final_zeros(loss.value)
    if first is None or not (_gradient_is_broken(run, loss, first) or _is_cliff(loss.value, first)):
        return
    yield stretch_event(
        Kind.MASKED_NONFINITE,
        Severity.FAILURE,
        loss,
        (first, len(loss) - 1),
        recovered=False,
    )


def _first_of_final_zeros(values: FloatArray) -> int | None:
    nonzero = np.flatnonzero(values != 0)
    first = int(nonzero[-1]) + 1 if len(nonzero) else 0
    return first if len(values) - first >= LEAST_ZEROS else None


def _gradient_is_broken(run: Run, loss: Series, first: int) -> bool:
    norm = run.get(Role.GRAD_NORM)
    if norm is None:
        return False
    later = norm.value[norm.step >= loss.step[first]]
    return len(later) >= LEAST_ZEROS and bool((~np.isfinite(later)).mean() > 0.5)


def _is_cliff(values: FloatArray, first: int) -> bool:
    before = values[max(0, first - 20) : first]
    if len(before) < LEAST_ROWS or not bool((before > 0).all()):
        return False
    return bool(before[-1] > CLIFF * level(before)) and bool(before.min() > 0.05 * level(before))
