"""Did the run shake it off, how fast, and what does that say about its weights?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case
from gradcheck.measure.robust import finite, level
from gradcheck.measure.stretches import row_at
from gradcheck.model import Clue, ClueKind, Event, Evidence, Kind, Role, Series
from gradcheck.wording import count, factor, number

CLUES = {
    "nan_left_no_trace": ClueKind("the loss is NaN for a row or two and normal right after"),
    "zero_gradient_beside_nan": ClueKind(
        "the gradient norm is exactly 0 in the row whose loss is NaN", (Role.LOSS, Role.GRAD_NORM)
    ),
    "one_row_spike": ClueKind("the spike lasts one row and the next row is back to normal"),
    "slow_recovery": ClueKind("the loss needs many rows to come back from the spike"),
    "gradient_only_spike": ClueKind(
        "only the gradient norm spikes, the loss hardly moves", (Role.LOSS, Role.GRAD_NORM)
    ),
}
BRIEF = 2
SLOW = 5


def observe(case: Case) -> Iterator[Clue]:
    """Look at what follows each recovered event that is the case's trigger."""
    trigger, loss = case.trigger, case.loss
    if trigger is None or loss is None or not trigger.recovered:
        return
    if trigger.kind is Kind.NONFINITE_LOSS and trigger.series == loss.name:
        yield from _after_nan(case, loss, trigger)
    elif trigger.kind is Kind.LOSS_SPIKE:
        yield from _after_spike(case, loss, trigger)
    elif trigger.kind is Kind.GRADIENT_SPIKE:
        yield from _gradient_only(case, loss, trigger)


def _after_nan(case: Case, loss: Series, trigger: Event) -> Iterator[Clue]:
    bad = np.flatnonzero(~np.isfinite(loss.value))
    longest = max((len(part) for part in np.split(bad, np.flatnonzero(np.diff(bad) > 1) + 1)), default=0)
    before, after = case.usual(loss), level(finite(loss.value[bad[0] : bad[0] + 10]))
    if longest > BRIEF or not after < before + max(abs(before), 1e-12):
        return
    said = (
        f"the loss is NaN in {count(len(bad), 'row')}, each time for at most {count(longest, 'row')}, and normal "
        f"right after ({number(before)} before, {number(after)} after): the weights were not poisoned"
    )
    yield Clue("nan_left_no_trace", Evidence(said, loss.name, trigger.step, trigger.last_step))
    yield from _zero_gradient(case, loss, bad)


def _zero_gradient(case: Case, loss: Series, bad: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[Clue]:
    if case.gradient is None:
        return
    rows = [row_at(case.gradient, int(loss.step[row])) for row in bad[:20]]
    norms = [float(case.gradient.value[row]) for row in rows if row is not None]
    if norms and all(norm == 0 for norm in norms):
        step = int(loss.step[bad[0]])
        said = f"at step {step} the loss is NaN and the gradient norm exactly 0: a mean over no targets"
        yield Clue("zero_gradient_beside_nan", Evidence(said, case.gradient.name, step, step))


def _after_spike(case: Case, loss: Series, trigger: Event) -> Iterator[Clue]:
    width = _rows_between(loss, trigger)
    usual, peak = case.usual(loss), trigger.value if trigger.value is not None else float("nan")
    if width <= 1:
        said = (
            f"the loss of one row is {number(peak)} instead of {number(usual)}, the next row is back: "
            "its weights were good, so that batch was different"
        )
        strength = (1.0 if case.every_step else 0.5) * (0.3 if case.smoothed else 1.0)
        # a somewhat harder batch is no fault of the data
        strength *= min(1.0, np.log10(max(peak / usual, 1.0))) if usual > 0 else 1.0
        yield Clue("one_row_spike", Evidence(said, loss.name, trigger.step, trigger.last_step), strength, _size(usual, peak))
    elif width >= SLOW:
        said = f"the loss rose from {number(usual)} to {number(peak)} and took {count(width, 'row')} to come back"
        yield Clue("slow_recovery", Evidence(said, loss.name, trigger.step, trigger.last_step))


def _rows_between(series: Series, event: Event) -> int:
    assert event.step is not None and event.last_step is not None
    inside = (series.step >= event.step) & (series.step <= event.last_step)
    return int(np.count_nonzero(inside & (series.order >= event.order)))


def _size(usual: float, peak: float) -> dict[str, float]:
    return {"ratio": peak / usual} if usual > 0 else {}


def _gradient_only(case: Case, loss: Series, trigger: Event) -> Iterator[Clue]:
    if case.of_kind(Kind.LOSS_SPIKE) or case.gradient is None:
        return
    usual = level(case.healthy_norms[-50:])
    ratio = (trigger.value or 0.0) / usual if usual > 0 else float("inf")
    said = f"the gradient norm reached {factor(ratio)} its usual {number(usual)} while the loss stayed within its noise"
    yield Clue("gradient_only_spike", Evidence(said, case.gradient.name, trigger.step, trigger.last_step), 1.0, {"ratio": ratio})
