"""What was the learning rate doing when it went wrong?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case
from gradcheck.measure.robust import finite
from gradcheck.model import Clue, ClueKind, Evidence, FloatArray, Kind, Role, Series
from gradcheck.wording import count, factor, number

NEEDS = (Role.LOSS, Role.LEARNING_RATE)
CLUES = {
    "rate_raised_at_onset": ClueKind("the learning rate was raised at once, just before", NEEDS),
    "rate_at_peak": ClueKind(
        "it broke while the learning rate was at or near its peak after rising", NEEDS
    ),
    "rate_past_peak": ClueKind(
        "the learning rate had fallen well below its peak before it broke", NEEDS
    ),
    "rate_constant": ClueKind("the learning rate had been constant for long", NEEDS),
    "rate_collapsed": ClueKind("the learning rate is practically 0 for most of the run", NEEDS),
    "rate_negative": ClueKind("the learning rate is negative", NEEDS),
}
ROWS = 10
LONG = 30
RAISED = 1.8
NEAR_PEAK = 0.85
PAST_PEAK = 0.5
COLLAPSED = 1e-3
TINY = 1e-8


def observe(case: Case) -> Iterator[Clue]:
    """Compare the learning rate at the onset with its course before."""
    rate = case.rate
    if rate is None or not len(finite(rate.value)):
        return
    if float(np.nanmin(rate.value)) < 0:
        said = f"the learning rate is {number(float(np.nanmin(rate.value)))}: every step climbs the loss"
        yield Clue("rate_negative", _whole(rate, said))
    yield from _collapsed(case, rate)
    if case.failed and case.onset is not None:
        yield from _at_onset(case, rate)


def _at_onset(case: Case, rate: Series) -> Iterator[Clue]:
    row = min(case.onset_row(rate), len(rate) - 1)
    course = finite(rate.value[: row + 1])
    if len(course) < 3:
        return
    now, peak, low = float(course[-1]), float(course.max()), float(course.min())
    first, last = int(rate.step[max(0, row - ROWS)]), int(rate.step[row])
    steady = _steady_rows(course)
    if steady == len(course) or steady >= max(LONG, len(course) // 2):
        said = (
            f"the learning rate had been constant at {number(now)} for {count(steady, 'row')}: "
            "no schedule is involved"
        )
        since = int(rate.step[max(0, row + 1 - steady)])
        yield Clue("rate_constant", Evidence(said, rate.name, since, last), min(1.0, steady / 10))
        return
    jump = _recent_jump(course)
    if jump is not None:
        said = f"the learning rate was raised from {number(jump[0])} to {number(jump[1])} ({factor(jump[1] / jump[0])}) at once, {len(course) - jump[2]} rows before the first bad row"
        yield Clue(
            "rate_raised_at_onset",
            Evidence(said, rate.name, first, last),
            1.0,
            {"before": jump[0], "after": jump[1]},
        )
    elif now >= NEAR_PEAK * peak and now > 1.5 * low and _is_rising_lately(course):
        said = f"it broke at a learning rate of {number(now)}, the highest so far, after a rise from {number(low)}"
        yield Clue(
            "rate_at_peak", Evidence(said, rate.name, int(rate.step[0]), last), 1.0, {"peak": peak}
        )
    elif now <= PAST_PEAK * peak:
        said = f"the learning rate had come down from {number(peak)} to {number(now)} when it broke"
        yield Clue("rate_past_peak", Evidence(said, rate.name, first, last))


def _steady_rows(course: FloatArray) -> int:
    """How many rows at the end have the last row's value."""
    moved = np.flatnonzero(np.abs(course - course[-1]) > 1e-3 * abs(course[-1]))
    return len(course) - (int(moved[-1]) + 1 if len(moved) else 0)


def _recent_jump(course: FloatArray) -> tuple[float, float, int] | None:
    """Value before, value after and row of a jump among the last rows; a linear warm-up is none."""
    recent = course[-ROWS - 1 :]
    if len(recent) < 2:
        return None
    ratios = recent[1:] / np.maximum(recent[:-1], 1e-300)
    at = int(np.argmax(ratios))
    row = len(course) - len(recent) + 1 + at
    steady = row < 3 or bool(np.all(np.diff(course[max(0, row - 3) : row]) > 0))
    if ratios[at] < RAISED or recent[at] <= 0 or (steady and ratios[at] < 5.0):
        return None
    return float(recent[at]), float(recent[at + 1]), row


def _is_rising_lately(course: FloatArray) -> bool:
    """Whether the rate was still rising, or had reached its peak in the last fifth of its course."""
    reached = int(np.argmax(course >= 0.999 * course.max()))
    return len(course) - reached <= max(ROWS, len(course) // 3)


def _collapsed(case: Case, rate: Series) -> Iterator[Clue]:
    values = np.abs(finite(rate.value))
    peak = float(values.max())
    small = values <= max(COLLAPSED * peak, TINY)
    if not small.mean() > 0.5 or not case.of_kind(Kind.PLATEAU):
        # a schedule that ends at 0 spends its last rows there
        if not _froze_early(case, rate, peak):
            return
    if peak == 0 or small[0] or small.mean() > 0.5:
        said = (
            f"the learning rate is at most {number(float(np.median(values)))} for most of the run"
        )
        yield Clue("rate_collapsed", _whole(rate, said))


def _froze_early(case: Case, rate: Series, peak: float) -> bool:
    values = np.abs(rate.value)
    dead = np.flatnonzero(values > max(COLLAPSED * peak, TINY))
    last_alive = int(dead[-1]) if len(dead) else 0
    return (
        last_alive < 0.4 * len(values) and len(values) - last_alive > 30 and case.loss is not None
    )


def _whole(series: Series, statement: str) -> Evidence:
    return Evidence(statement, series.name, int(series.step[0]), int(series.step[-1]))
