"""A loss that ends far above the best it had reached, or falls without a floor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, islice

import numpy as np

from gradcheck.measure.climbs import Climb, climb
from gradcheck.measure.events import stretch_event
from gradcheck.measure.regimes import lasting_rise, thrown_off, unlearned
from gradcheck.measure.replays import (
    comes_without_training,
    is_new_task,
    keeps_falling,
    rises_by_itself,
)
from gradcheck.measure.robust import block_levels
from gradcheck.measure.tasks import change_before
from gradcheck.measure.terms import are_weighed_anew
from gradcheck.model import (
    Event,
    FloatArray,
    IntArray,
    Kind,
    Objective,
    Role,
    Run,
    Series,
    Severity,
)
from gradcheck.model.inside import NEGATED

OBJECTIVE_WEIGHT = re.compile(
    r"beta|anneal|lambda|kl_?d?_?(weight|coef)|curriculum|difficulty|penalty_?w"
)
LEAST_ROWS = 10
EXPLOSION = 30.0
"""Last two rows over the usual level that no spike is cut off at."""
LEAST_RISE = 1.5
"""End over best, where values are positive."""
STEP_CHANGE = 3.0
"""Rise up to which a jump may be other data."""
LEAST_RISE_UNTRUSTED = 1e3
"""The same for adversarial and RL losses, whose level says nothing about success."""
APART = 0.95
"""Share of pairs of rows, one before and one after, of which the later is the higher."""
BEYOND_NOISE = 100.0
"""End over best that no swing of a noisy loss reaches."""
ONCE = 1.5
"""Accuracy that a run had, in its second best row, over the one that it is left with."""
DRIVEN, MOST_BLOCKS = 4.0, 8
"""The observation that a loss is the negative of an error, and how far it runs down by that."""
FLOORLESS = 30.0
"""Growth of a negative loss, in its own earlier magnitude, over the last third of the run."""
STEADILY, SLOWER = 10.0, 2
"""The same where it fell faster and faster from the first row to the last, and how many of the 21
pairs of eighths may say otherwise."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event: from the row where a training loss left its best level for good.

    The primary loss is judged first; a second whole loss beside it (the training loss of an
    evaluation, an epoch mean) counts as much. Parts of a total may rise while the total falls.
    """
    primary = run.get(Role.LOSS)
    others = [s for s in run.every(Role.LOSS) if s.objective is Objective.MINIMISED]
    judged = [primary, *(s for s in others if s is not primary)] if primary else []
    events = (event for series in judged for event in _event(run, series))
    yield from islice(events, 1)


def _event(run: Run, loss: Series) -> Iterator[Event]:
    rows = np.flatnonzero(np.isfinite(loss.value))
    values = loss.value[rows]
    broken = (len(rows) > 0 and rows[-1] + 1 < len(loss)) or _ends_in_explosion(values)
    first = _left(run, loss, values, broken=broken)
    thrown = first is None and loss.objective is Objective.MINIMISED
    first = thrown_off(values) if thrown else first
    if thrown and first is None:
        first = unlearned(values) if _has_lost_accuracy(run) else None
    if first is None:
        return
    harder = _task_from(run, loss, rows, first)
    if harder is None and not broken and comes_without_training(run, values, first):
        harder = int(rows[first])
    if harder is not None:
        yield from _event(run, _from_row(loss, harder))
        return
    stretch = (int(rows[min(first, len(rows) - 1)]), int(rows[-1]))
    explained = _objective_changed(run, loss, stretch) or rises_by_itself(run, values, first)
    if not broken and not explained:
        explained = (
            (not thrown and _is_step_change(values, first))
            or are_weighed_anew(run, loss, stretch)
            or is_new_task(run, values, first)
        )
    severity = Severity.WARNING if explained else Severity.FAILURE
    yield stretch_event(Kind.DIVERGENCE, severity, loss, stretch, recovered=False)


def _has_lost_accuracy(run: Run) -> bool:
    """Whether the accuracy was far better once than it is in the second half of the run.

    A loss alone may go back to where it began as a game between two models comes to its end.
    """
    for right in run.every(Role.ACCURACY):
        values = right.value[np.isfinite(right.value)]
        if len(values) >= LEAST_ROWS:
            late = float(np.median(values[len(values) // 2 :]))
            if float(np.sort(values)[-2]) > ONCE * max(late, 0.0):
                return True
    return False


def _left(run: Run, loss: Series, values: FloatArray, *, broken: bool) -> int | None:
    """The finite row from which the loss is no longer where it had come to, in one way or other."""
    risen = climb(values, into_nonfinite=broken)
    if risen is not None and _is_grave(loss, risen) and (broken or _is_above_noise(values, risen)):
        return risen.first
    first = _floorless(values)
    if first is None and any(one.key == NEGATED for one in run.observations):
        first = 0 if _is_driven_down(values) else None
    if first is None and loss.objective is Objective.MINIMISED:
        first = lasting_rise(values)
    return _astronomic(values) if first is None else first


def _is_above_noise(values: FloatArray, risen: Climb) -> bool:
    """Whether nearly every row that followed lies above nearly every row just before it.

    A few noisy rows swing by factors: the low one among them is no best level that was lost.
    """
    before, after = values[max(0, risen.first - LEAST_ROWS) : risen.first], values[risen.first :]
    if len(after) >= 4 * LEAST_ROWS:
        after = after[len(after) // 2 :]  # it may have wandered up
    if risen.ratio >= BEYOND_NOISE or not len(before):
        return True
    above = float((after[:, None] > before[None, :]).mean())
    return above >= APART and (len(before) >= 3 or risen.ratio >= STEP_CHANGE)


def _astronomic(values: FloatArray) -> int | None:
    """The row from which the loss is beyond all units, where it ends there.

    It may have exploded before the first row, or between two of them.
    """
    size = np.abs(values)
    if not len(values) or float(size.max()) < 1e15 or float(np.median(size[-3:])) < 1e9:
        return None
    return int(np.argmax(size > 1e9))


def _ends_in_explosion(values: FloatArray) -> bool:
    """Whether the log was cut off on the way up, a crash or a stopped run."""
    if len(values) < LEAST_ROWS or values[-1] <= 0:
        return False
    usual = float(np.median(np.abs(values[-2 * LEAST_ROWS : -2])))
    return bool(values[-1] > values[-2] > EXPLOSION * usual)


def _objective_changed(run: Run, loss: Series, rows: tuple[int, int]) -> bool:
    """Whether a logged weight of the objective (β of a VAE, a penalty) was raised meanwhile."""
    first_step, last_step = (int(loss.step[row]) for row in rows)
    for series in run.series:
        if series.role is not Role.OTHER or not OBJECTIVE_WEIGHT.search(series.name.lower()):
            continue
        during = series.value[(series.step >= first_step) & (series.step <= last_step)]
        if len(during) > 1 and bool((np.diff(during) >= 0).all()) and during[-1] > 2 * during[0]:
            return True
    return False


def _task_from(run: Run, loss: Series, rows: IntArray, first: int) -> int | None:
    """The row from which the loss is another one, as a logged setting of the task changed."""
    changed = change_before(run, loss, int(rows[min(first, len(rows) - 1)]))
    return None if changed is None else changed[1]


def _from_row(series: Series, row: int) -> Series:
    return replace(
        series, order=series.order[row:], step=series.step[row:], value=series.value[row:]
    )


def _is_step_change(values: FloatArray, first: int) -> bool:
    """Whether the loss went up in one row by less than a factor and has been falling since.

    Other data, or another weight of a term, do that; what diverges goes on, or stays.
    """
    before, after = values[max(0, first - LEAST_ROWS) : first], values[first:]
    if len(before) < LEAST_ROWS // 2 or len(after) < 2 * LEAST_ROWS or bool((values <= 0).any()):
        return False
    usual, jump = float(np.median(before)), float(np.median(after[:LEAST_ROWS]))
    abrupt = float(after[0]) > usual + 0.5 * (jump - usual)
    return keeps_falling(after) and abrupt and usual < jump < STEP_CHANGE * usual


def _is_grave(loss: Series, risen: Climb) -> bool:
    trusted = loss.objective in (Objective.MINIMISED, Objective.COMPONENT)
    if trusted and bool((loss.value <= 0).any()):
        return True
    return risen.ratio >= (LEAST_RISE if trusted else LEAST_RISE_UNTRUSTED)


def _is_driven_down(values: FloatArray) -> bool:
    """Whether the negative of an error ran down from its first level, and still does.

    It is told where the sign is known to be wrong: a likelihood may fall like that.
    """
    if len(values) < MOST_BLOCKS * 2:
        return False
    levels = block_levels(values, MOST_BLOCKS)
    falls = bool((np.diff(levels)[-MOST_BLOCKS // 2 :] < 0).all())
    return falls and bool(levels[-1] < -DRIVEN * abs(float(levels[0])))


def _floorless(values: FloatArray) -> int | None:
    """The row from which a negative loss ran away downwards, faster and faster, or None."""
    if len(values) < 20 or values[-1] >= 0:
        return None
    third = len(values) // 3
    usual = float(np.median(np.abs(values[:third]))) + 1e-12
    late = values[-third:]
    runaway = -float(np.median(values[-3:])) > FLOORLESS * usual
    halves = np.array_split(late, 2)
    accelerating = np.ptp(halves[1]) > 2.0 * np.ptp(halves[0])
    if runaway and accelerating:
        return int(np.argmax(values < -3.0 * usual))
    return _ever_faster(values)


def _ever_faster(values: FloatArray) -> int | None:
    """The same where it has no late stretch of its own: eighth by eighth it fell more and more.

    A likelihood slows down as it fits, however far it falls; a term that is subtracted does not.
    """
    if len(values) < MOST_BLOCKS * MOST_BLOCKS:
        return None
    levels = block_levels(values, MOST_BLOCKS)
    falls = -np.diff(levels)
    begun = max(abs(float(levels[0])), float(np.abs(values[:3]).max()), 1e-12)
    slower = sum(later < earlier for earlier, later in combinations(falls, 2))
    if not (falls > 0).all() or slower > SLOWER or -float(levels[-1]) < STEADILY * begun:
        return None
    return int(np.argmax(values < -3.0 * begun))
