"""A NaN that the logger hid: the loss drops to exactly 0 in one row and stays there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.losses import reaches_zero
from gradcheck.measure.robust import level
from gradcheck.model import Event, FloatArray, Kind, Role, Run, Series, Severity

LEAST_ZEROS = 3
LEAST_ROWS = 5
CLIFF = 0.3
"""A loss that honestly reaches 0 gets small first: the last value over the recent median."""
HIGH, MOST_OF_ALL = 0.5, 0.8
"""A loss that no training takes to 0 within a few rows, and the share of the log that is 0 then."""
PERFECT = 0.95
"""Accuracy beside which a loss of 0 is no wonder."""
LEAP = 100.0
"""A last value over the median before it after which a single 0 is no recovery."""


def detect(run: Run) -> Iterator[Event]:
    """One event from the first zero; Hugging Face's `logging_nan_inf_filter` writes such logs."""
    loss = run.get(Role.LOSS)
    if loss is None:
        return
    first = _first_of_final_zeros(loss.value)
    if first is None:
        return
    honest = reaches_zero(loss) or _predicts_well(run, loss, first)
    cliff = not honest and _is_cliff(loss.value, first)
    if not cliff and not _gradient_is_broken(run, loss, first):
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
    least = 1 if _leaps(values[:first]) else LEAST_ZEROS
    return first if len(values) - first >= least else None


def _leaps(before: FloatArray) -> bool:
    """Whether the last value is far beyond all that came before it."""
    usual = level(before[-20:-1]) if len(before) > LEAST_ROWS else 0.0
    return usual > 0 and bool(before[-1] > LEAP * usual)


def _predicts_well(run: Run, loss: Series, first: int) -> bool:
    """Whether the accuracy beside the zeros is what a loss of 0 says."""
    right = run.get(Role.ACCURACY)
    if right is None:
        return False
    beside = right.value[right.step >= loss.step[first]]
    return len(beside) > 0 and bool(beside.min() >= PERFECT)


def _gradient_is_broken(run: Run, loss: Series, first: int) -> bool:
    norm = run.get(Role.GRAD_NORM)
    if norm is None:
        return False
    later = norm.value[norm.step >= loss.step[first]]
    return len(later) >= LEAST_ZEROS and bool((~np.isfinite(later)).mean() > 0.5)


def _is_cliff(values: FloatArray, first: int) -> bool:
    before = values[max(0, first - 20) : first]
    if not len(before) or not bool((before > 0).all()):
        return False
    if len(before) < LEAST_ROWS:
        zeros = len(values) - first
        return bool(before.min() > HIGH) and zeros > MOST_OF_ALL * len(values)
    if _leaps(before):
        return True
    return bool(before[-1] > CLIFF * level(before)) and bool(before.min() > 0.05 * level(before))
