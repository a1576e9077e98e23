"""Did the run shake it off, how fast, and what does that say about its weights?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.attempts import rewinds
from gradcheck.measure.events import is_beyond_reason
from gradcheck.measure.leadup import surprise
from gradcheck.measure.robust import finite, level
from gradcheck.measure.stretches import row_at
from gradcheck.model import Event, Evidence, FloatArray, IntArray, Kind, Role, Series
from gradcheck.wording import count, factor, number

CLUES = {
    "nan_left_no_trace": ClueKind(
        "the loss is NaN for a row or two beside a finite gradient, and normal right after",
        (Role.LOSS, Role.GRAD_NORM),
    ),
    "nan_passed": ClueKind(
        "the loss is NaN for a row or two and normal right after, no gradient norm being logged"
    ),
    "nan_step_skipped": ClueKind(
        "loss and gradient are NaN for a few rows and normal right after: their steps were skipped",
        (Role.LOSS, Role.GRAD_NORM),
    ),
    "zero_gradient_beside_nan": ClueKind(
        "the gradient norm is 0, or hardly more, in the rows whose loss is NaN",
        (Role.LOSS, Role.GRAD_NORM),
    ),
    "sharp_spike": ClueKind("the spike ends from one row to the next, back at normal"),
    "gradient_calm_at_spike": ClueKind(
        "the gradient norm of the row of the loss spike is an ordinary one",
        (Role.LOSS, Role.GRAD_NORM),
    ),
    "learned_anew": ClueKind(
        "again and again the loss leaps to where a training begins, and falls as it did then"
    ),
    "slow_recovery": ClueKind("the loss needs many rows to come back from the spike"),
    "gradient_beyond_reason": ClueKind(
        "a finite gradient norm is beyond anything backward makes of a loss that is as usual"
    ),
    "gradient_only_spike": ClueKind(
        "only the gradient norm spikes, the loss hardly moves", (Role.LOSS, Role.GRAD_NORM)
    ),
}
BRIEF = 2
SLOW = 5
TASKS = 3
"""New beginnings that are no accident."""
REDUCED = 0.35
"""Share of the usual gradient norm that is left where part of a loss had nothing to average."""
STANDING = 0.4
"""What the way back says of a run that stands still: to weights that never were good."""


def observe(case: Case) -> Iterator[Clue]:
    """Look at what follows each recovered event that is the case's trigger."""
    trigger, loss = case.trigger, case.loss
    if trigger is None or loss is None or not trigger.recovered:
        return
    if trigger.kind is Kind.NONFINITE_LOSS and trigger.series == loss.name:
        yield from _after_nan(case, loss, trigger)
    elif trigger.kind is Kind.LOSS_SPIKE:
        yield from _after_spike(case, loss, trigger)
        yield from _calm_gradient(case, trigger)
        yield from _learned_anew(case, loss)
    elif trigger.kind is Kind.GRADIENT_SPIKE:
        yield from _gradient_only(case, loss, trigger)


def _after_nan(case: Case, loss: Series, trigger: Event) -> Iterator[Clue]:
    bad = np.flatnonzero(~np.isfinite(loss.value))
    longest = max(
        (len(part) for part in np.split(bad, np.flatnonzero(np.diff(bad) > 1) + 1)), default=0
    )
    if _was_reloaded(case, loss, bad):
        return
    before = case.usual(loss)
    after = level(finite(loss.value[bad[0] : bad[0] + longest + 10]))
    norms = _norms_beside(case, loss, bad)
    skipped = len(norms) > 0 and not np.isfinite(norms).any()
    brief = longest <= BRIEF or skipped
    if not (brief and (np.isnan(before) or after < before + max(abs(before), 1e-12))):
        return
    said = (
        f"the loss is NaN in {count(len(bad), 'row')}, each time for at most "
        f"{count(longest, 'row')}, and normal "
        f"right after ({number(before)} before, {number(after)} after): the weights "
        "were not poisoned"
    )
    window = (loss.name, trigger.step, trigger.last_step)
    if skipped:
        said += (
            "; the gradient norm of those rows is not finite either, so their steps were skipped"
        )
        yield Clue("nan_step_skipped", Evidence(said, *window))
        return
    if case.gradient is None or not len(norms):
        yield Clue("nan_passed", Evidence(said, *window))
        return
    yield Clue("nan_left_no_trace", Evidence(said, *window))
    usual, most = level(case.healthy_norms[-50:]), float(np.nanmax(norms))
    if most == 0 or most < REDUCED * usual:
        step = int(loss.step[bad[0]])
        what = "exactly 0" if most == 0 else f"{number(most)} at most, usually {number(usual)}"
        said = f"at step {step} the loss is NaN and the gradient norm {what}"
        place = Evidence(f"{said}: a mean over no targets", case.gradient.name, step, step)
        yield Clue("zero_gradient_beside_nan", place, 1.0 if most == 0 else 0.5)


def _was_reloaded(case: Case, loss: Series, bad: IntArray) -> bool:
    """Whether a NaN row is followed by the first one of a resumed run: a checkpoint ended it."""
    first, after = loss.order[bad], loss.order[np.minimum(bad + 1, len(loss) - 1)]
    places = [*case.run.resumed_at, *(rewind.order for rewind in rewinds(case.run))]
    return any(bool(((first < place) & (place <= after)).any()) for place in places)


def _norms_beside(case: Case, loss: Series, bad: IntArray) -> FloatArray:
    """The gradient norms that were logged for the first of these rows."""
    if case.gradient is None:
        return np.zeros(0)
    rows = [row_at(case.gradient, int(loss.step[row])) for row in bad[:20]]
    return case.gradient.value[[row for row in rows if row is not None]]


def _after_spike(case: Case, loss: Series, trigger: Event) -> Iterator[Clue]:
    rows = _rows_of(loss, trigger)
    usual, peak = case.usual(loss), trigger.value if trigger.value is not None else float("nan")
    window = (loss.name, trigger.step, trigger.last_step)
    if len(rows) and _ends_at_once(loss, rows, usual):
        lasts = "one row" if len(rows) == 1 else count(len(rows), "row")
        said = (
            f"for {lasts} the loss is up to {number(peak)} instead of {number(usual)}, "
            "and the next "
            "row is back: the weights were good all the time, those batches were different"
        )
        strength = (1.0 if case.every_step else 0.6) * (0.3 if case.smoothed else 1.0)
        strength *= surprise(peak / usual) if usual > 0 else 1.0
        strength *= STANDING if case.of_kind(Kind.PLATEAU) else 1.0
        yield Clue("sharp_spike", Evidence(said, *window), strength)
    elif len(rows) >= SLOW:
        said = (
            f"the loss rose from {number(usual)} to {number(peak)} and took "
            f"{count(len(rows), 'row')} to come back"
        )
        yield Clue("slow_recovery", Evidence(said, *window))


def _learned_anew(case: Case, loss: Series) -> Iterator[Clue]:
    """Other data from there on: a batch passes in a row, and a wound is no new beginning."""
    events = [e for e in case.of_kind(Kind.LOSS_SPIKE) if e.recovered and e.series == loss.name]
    rows = [int(np.searchsorted(loss.order, event.order)) for event in events]
    if len(rows) < TASKS or bool((finite(loss.value) <= 0).any()):
        return
    logs = np.log(loss.value)
    start = level(logs[:TASKS])
    courses = zip(rows, [*rows[1:], len(logs)], strict=True)
    anew = [_begins_anew(logs, row, after, start) for row, after in courses]
    if sum(anew) >= max(TASKS, 0.7 * len(anew)):
        said = (
            f"{sum(anew)} times the loss leaps to the size of its first rows "
            f"({number(float(np.exp(start)))}) or beyond, and falls again row by row"
        )
        yield Clue("learned_anew", Evidence(said, loss.name, events[0].step, events[-1].last_step))


def _begins_anew(logs: FloatArray, row: int, after: int, start: float) -> bool:
    before, course = level(logs[max(0, row - SLOW) : row]), logs[row:after]
    peak = float(course[:SLOW].max())
    height = peak - before
    # as high as the loss of a model that knows nothing of what it is given
    high = start - np.log(3.0) < peak < start + np.log(30.0) and height > np.log(10.0)
    if not high or len(course) < 2 * SLOW:
        return False
    down = np.flatnonzero(course < before + height / 2)
    return len(down) > 0 and int(down[0]) > BRIEF and float(course.min()) < before + height / 2


def _calm_gradient(case: Case, trigger: Event) -> Iterator[Clue]:
    """A bounded loss (Huber, absolute) or clipping inside it: the batch could do no harm."""
    norm = case.run.get(Role.GRAD_NORM)
    row = row_at(norm, trigger.step) if norm is not None and trigger.step is not None else None
    usual = level(case.healthy_norms[-50:])
    if norm is None or row is None or not float(norm.value[row]) < 2.0 * usual:
        return
    said = (
        f"the gradient norm of that row is {number(float(norm.value[row]))}, as usual "
        f"({number(usual)}): the batch could do no harm"
    )
    yield Clue("gradient_calm_at_spike", Evidence(said, norm.name, trigger.step, trigger.step))


def _ends_at_once(loss: Series, rows: IntArray, usual: float) -> bool:
    """Whether one row took back most of the height: a bad batch ended, no wound healed."""
    after = int(rows[-1]) + 1
    if after >= len(loss):
        return False
    values = finite(loss.value[rows[0] : after + 1])
    if usual > 0 and bool((values > 0).all()):
        values, usual = np.log(values), float(np.log(usual))
    height = float(values.max()) - usual
    peak = int(np.argmax(values))
    return peak + 1 < len(values) and float(-np.diff(values[peak:]).min()) > 0.7 * height > 0


def _rows_of(series: Series, event: Event) -> IntArray:
    assert event.step is not None and event.last_step is not None
    inside = (series.step >= event.step) & (series.step <= event.last_step)
    return np.flatnonzero(inside & (series.order >= event.order))


def _gradient_only(case: Case, loss: Series, trigger: Event) -> Iterator[Clue]:
    if case.of_kind(Kind.LOSS_SPIKE) or case.gradient is None:
        return
    usual = level(case.healthy_norms[-50:])
    ratio = (trigger.value or 0.0) / usual if usual > 0 else float("inf")
    said = (
        f"the gradient norm reached {factor(ratio)} its usual {number(usual)} while "
        "the loss stayed within its noise"
    )
    yield Clue(
        "gradient_only_spike",
        Evidence(said, case.gradient.name, trigger.step, trigger.last_step),
        1.0,
        {"ratio": ratio},
    )
    if is_beyond_reason(trigger):
        said = f"no derivative of a loss as usual is {factor(ratio)} its usual size"
        place = (case.gradient.name, trigger.step, trigger.last_step)
        yield Clue("gradient_beyond_reason", Evidence(said, *place))
