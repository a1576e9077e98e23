"""What was the learning rate doing when it went wrong?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind, over
from gradcheck.measure.rates import COLLAPSED, last_alive
from gradcheck.measure.robust import finite, level
from gradcheck.model import Evidence, FloatArray, Role, Series
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
    "rate_fell_below_zero": ClueKind(
        "the learning rate was positive and fell below 0", NEEDS, from_then_on=True
    ),
}
ROWS = 10
LONG, NEARLY_ALL = 30, 0.7
"""Rows without a rate that are many, and the share of a log of a few epochs that is."""
RAISED = 1.8
BELOW = 3
"""Rows below 0 that are no slip of the last step."""
NEAR_PEAK = 0.85
PAST_PEAK = 0.5
GONE = 1e-5
"""Share of its peak to which no schedule means to go for most of a run."""
TINY = 1e-8


def observe(case: Case) -> Iterator[Clue]:
    """Compare the learning rate at the onset with its course before."""
    rate = case.rate
    if rate is None or not len(finite(rate.value)):
        return
    yield from _negative(case, rate)
    yield from _collapsed(case, rate)
    if case.failed and case.onset is not None:
        yield from _at_onset(case, rate)


def _negative(case: Case, rate: Series) -> Iterator[Clue]:
    """A sign that is wrong from the start, or a schedule that went on past its end."""
    # a schedule that ends at 0 may end a rounding error below it
    below = np.flatnonzero(rate.value < -COLLAPSED * float(np.nanmax(np.abs(rate.value))))
    if not len(below):
        return
    lowest = number(float(np.nanmin(rate.value)))
    row = int(below[0])
    if bool((rate.value[:row] > 0).any()):
        if not case.failed or len(below) < BELOW or row > case.onset_row(rate):
            return
        step, last = int(rate.step[row]), int(rate.step[-1])
        said = (
            f"the learning rate fell below 0 at step {step}, down to {lowest}: every step climbs "
            "the loss since"
        )
        evidence = Evidence(said, rate.name, step, last)
        yield Clue("rate_fell_below_zero", evidence, 1.0, {"step": float(step)})
    else:
        said = f"the learning rate is {lowest}: every step climbs the loss"
        yield Clue("rate_negative", over(rate, said))


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
        said = (
            f"the learning rate was raised from {number(jump[0])} to {number(jump[1])} "
            f"({factor(jump[1] / jump[0])}) at once, at step {int(rate.step[jump[2]])}"
        )
        yield Clue(
            "rate_raised_at_onset",
            Evidence(said, rate.name, first, last),
            1.0,
            {"before": jump[0], "after": jump[1]},
        )
    elif now >= NEAR_PEAK * peak and now > 1.5 * low and _is_rising_lately(course):
        said = (
            f"it broke at a learning rate of {number(now)}, the highest so far, after a "
            f"rise from {number(low)}"
        )
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
    """Whether the rate was still rising, or had reached its peak in the last third."""
    reached = int(np.argmax(course >= 0.999 * course.max()))
    return len(course) - reached <= max(ROWS, len(course) // 3)


def _collapsed(case: Case, rate: Series) -> Iterator[Clue]:
    """A rate that is next to nothing for most of the run; a schedule ends there for a few rows."""
    if case.loss is None:
        return
    values = np.abs(rate.value)
    last, early = last_alive(rate, case.loss, TINY)
    rows = len(values) - 1 - last
    if rows < 0.5 * len(values) or (rows < LONG and not NEARLY_ALL * len(values) <= rows >= ROWS):
        return
    since = int(rate.step[last])
    median = level(finite(values[last + 1 :]))
    said = (
        f"the learning rate is {number(median)} (median) from step {since} on, for "
        f"{count(rows, 'row')}"
    )
    said += ", and the loss was still falling when it was cut first" if early else ""
    window = (since, int(rate.step[-1]))
    # a schedule that follows the loss gets there after convergence
    gone = median <= GONE * float(np.nanmax(values))
    strength = 1.0 if gone or early or _was_learning(case.loss, since) else 0.4
    yield Clue("rate_collapsed", Evidence(said, rate.name, *window), strength)


def _was_learning(loss: Series, step: int) -> bool:
    """Whether the loss still fell in the rows before a step, or had had no row to fall in."""
    before = finite(loss.value[loss.step <= step])
    before = before[-max(ROWS // 2, len(before) // 5) :]
    if len(before) < 3:
        return True
    return float(before[0] - before[-1]) > 0.03 * abs(float(before[0]))
