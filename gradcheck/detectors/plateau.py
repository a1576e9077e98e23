"""A loss that does not move from its first value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.rates import last_alive
from gradcheck.measure.robust import block_levels, line, noise
from gradcheck.measure.start import hump_rows
from gradcheck.measure.temperatures import away_since, temperatures
from gradcheck.model import Event, FloatArray, Kind, Objective, Role, Run, Series, Severity
from gradcheck.model.inside import NO_GRADIENT

LEAST_ROWS = 25
LEAST_FALL = 0.02
"""Relative fall of the level over the whole run that counts as learning."""
STANDS = 0.01
"""Relative fall over the second half of the run below which it stands still."""
SURE = 2.5
"""Standard errors that make a trend a trend."""
BY_CHANCE, WITHIN, BY_CHANCE_ROWS = 0.6, 0.08, 8
"""Accuracy that nobody trains for, the most that it may vary, and the rows that show it."""
UNSEEN = 0.25
"""Doubt about the fall, as a share of the level, within which much may be learned."""
ALIKE, UNLEARNED = 10, 0.5
"""Rows within which a loss has come down to what equal scores cost, and that over the first loss:
where a schedule takes the temperature down, the loss has been learned away."""
NOTHING_ROWS = 5
FROZEN_ROWS, FROZEN_DIGITS = 8, 4
"""Rows in which a loss is the same, in so many digits or more, that no two batches could share."""
GUESS_ROWS, GUESS_LOSS, GUESS_ACCURACY = 8, 0.005, 0.2
"""Rows that show that a model guesses, and how near they are to the logarithm of the number of
classes and to one over it."""
DRIFT = 0.05
"""Spread of the levels on the way, relative to their size, within which a run is flat."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event: nothing was ever learned, or nothing since the learning rate collapsed."""
    loss = run.get(Role.LOSS)
    if loss is None or loss.objective is not Objective.MINIMISED:
        return
    if not len(loss) or not np.isfinite(loss.value).all():
        return
    if _stands_still(run, loss):
        rows = (0, len(loss) - 1)
        yield stretch_event(Kind.PLATEAU, Severity.WARNING, loss, rows, recovered=False)
        return
    if len(loss) < LEAST_ROWS or float(np.median(np.abs(loss.value))) == 0:
        return
    seen = _would_be_seen(loss.value)
    first = 0 if seen and (_is_flat(loss.value) or _is_flat_after_hump(loss.value)) else None
    first = _flat_since_collapse(run, loss) if first is None else first
    first = _flat_at_chance(run, loss) if first is None else first
    first = _flat_at_temperature(run, loss) if first is None else first
    if first is not None:
        rows = (first, len(loss) - 1)
        yield stretch_event(Kind.PLATEAU, Severity.WARNING, loss, rows, recovered=False)


def _stands_still(run: Run, loss: Series) -> bool:
    """Whether few rows are enough to see that nothing is learned."""
    return (
        _is_frozen(loss.value)
        or _guesses(run, loss)
        or _is_nothing(run, loss)
        or _is_hardly_trained(run, loss.value)
    )


def _is_hardly_trained(run: Run, values: FloatArray) -> bool:
    """Whether most of a model was seen to get no gradient, and what does has no more to learn."""
    if not any(one.key == NO_GRADIENT for one in run.observations) or len(values) < LEAST_ROWS:
        return False
    levels = block_levels(values, 4)
    return float(levels[1] - levels[-1]) < DRIFT * abs(float(levels[-1]))


def _is_frozen(values: FloatArray) -> bool:
    """Whether the second half or more of the rows are the same to all digits, and no better.

    A loss that was learned down to its floor can stand there as well, that of all data at once.
    """
    moved = np.flatnonzero(values != values[-1])
    same = len(values) - (int(moved[-1]) + 1 if len(moved) else 0)
    if same < max(FROZEN_ROWS, len(values) / 2) or values[-1] < (1 - LEAST_FALL) * values[0]:
        return False
    digits = np.format_float_scientific(np.float32(abs(values[-1])))
    return len(digits.partition("e")[0].replace(".", "").rstrip("0")) >= FROZEN_DIGITS


def _guesses(run: Run, loss: Series) -> bool:
    """Whether loss and accuracy are those of equal odds for every class, row by row."""
    right, rate = run.get(Role.ACCURACY), run.get(Role.LEARNING_RATE)
    if right is None or min(len(right), len(loss)) < GUESS_ROWS or _warms_up(rate):
        return False
    usual = float(np.median(right.value))
    if not 0 < usual <= BY_CHANCE or not np.isfinite(right.value).all():
        return False
    classes = round(1 / usual)
    cost = float(np.log(classes))
    near = bool((np.abs(right.value * classes - 1) <= GUESS_ACCURACY).all())
    off = np.abs(loss.value - cost) / cost
    begins = GUESS_LOSS * (3 if run.unit == "epoch" else 1)  # an epoch takes a bad start with it
    half = len(loss) // 2
    return near and bool((off[:half] <= begins).all()) and bool((off[half:] <= GUESS_LOSS).all())


def _warms_up(rate: Series | None) -> bool:
    return rate is not None and len(rate) > 0 and bool(rate.value[-1] > 2 * rate.value[0])


def _is_nothing(run: Run, loss: Series) -> bool:
    """Whether loss and gradient are exactly 0 from the first row on: no model begins perfect."""
    norm = run.get(Role.GRAD_NORM)
    if norm is None or min(len(norm), len(loss)) < NOTHING_ROWS:
        return False
    return not loss.value.any() and not norm.value.any()


def _would_be_seen(values: FloatArray) -> bool:
    """Whether a fall worth a word would stand out of the noise."""
    doubt = SURE * noise(values) * float(np.sqrt(12 / len(values)))
    return doubt <= UNSEEN * float(np.median(np.abs(block_levels(values, 10))))


def _is_flat(values: FloatArray) -> bool:
    """Whether neither the trend of all rows nor any stretch of them stands out of the noise."""
    levels = block_levels(values, 10)
    size, spread = float(np.median(np.abs(levels))), noise(values)
    rows = np.arange(len(values), dtype=float)
    slope = line(rows, values)[0] * len(values)
    doubt = SURE * spread * float(np.sqrt(12 / len(values)))
    wobble = SURE * 1.25 * spread * float(np.sqrt(10 / len(values)))
    fall = max(-slope, float(np.median(values[:3])) - float(levels[-1]) - 2 * spread)
    if float(levels[5] - levels[-1]) > max(2 * float(levels[0] - levels[4]), 2 * wobble):
        return False  # a run that was cut off as it began to learn, such as in its warm-up
    spread_of_levels = float(np.ptp(levels))
    # it fell a little at first, and then stood
    stood = float(levels[4] - levels[-1]) < STANDS * size and spread_of_levels < DRIFT * size
    flat = fall < max(LEAST_FALL * size, doubt)
    return (stood and fall < DRIFT * size) or (
        flat and spread_of_levels < max(DRIFT * size, 2 * wobble)
    )


def _is_flat_after_hump(values: FloatArray) -> bool:
    """Whether a jump of the first rows led back to the first value and no further."""
    hump = hump_rows(values)
    if not hump:
        return False
    end = float(np.median(values[hump:]))
    return end > (1 - DRIFT) * float(values[0]) and _is_flat(values[2 * hump :])


def _flat_at_chance(run: Run, loss: Series) -> int | None:
    """The row from which a loss that fell at once stands still, the accuracy being no better.

    A huge first loss falls by itself to what a constant guess costs.
    """
    right = run.get(Role.ACCURACY)
    first = max(2, len(loss) // 20)
    if right is None or len(right) < BY_CHANCE_ROWS or not np.isfinite(right.value).all():
        return None
    low, high = float(right.value.min()), float(right.value.max())
    if not 0 <= low <= high <= min(BY_CHANCE, low + WITHIN):
        return None
    return first if len(loss) - first >= LEAST_ROWS and _is_flat(loss.value[first:]) else None


def _flat_at_temperature(run: Run, loss: Series) -> int | None:
    """The row from which a temperature is out of its range and the loss stands still, for good.

    All scores are the same there: what a model learns then no longer shows in its loss.
    """
    for name, series in temperatures(run):
        since = away_since(name, series)
        first = len(loss) if since is None else int(np.searchsorted(loss.step, since, side="right"))
        still = loss.value[first:]
        if len(still) < max(LEAST_ROWS, len(loss) // 2):
            continue
        size = float(np.abs(still).max())
        unlearned = size >= UNLEARNED * abs(float(loss.value[0]))
        if unlearned and float(np.ptp(still[ALIKE:])) <= DRIFT * size:
            return first
    return None


def _flat_since_collapse(run: Run, loss: Series) -> int | None:
    """The row from which the rate is nothing and the loss stands still, for half the run."""
    rate = run.get(Role.LEARNING_RATE)
    if rate is None or not np.isfinite(rate.value).any():
        return None
    since = int(rate.step[last_alive(rate, loss)[0]])
    first = int(np.searchsorted(loss.step, since, side="right"))
    still = loss.value[first:]
    return first if len(still) >= max(LEAST_ROWS // 2, len(loss) // 2) and _is_flat(still) else None
