"""What came before the failure: a ramp, one jump, or slow growth?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import LEAD, Case, Clue, ClueKind
from gradcheck.measure.leadup import Rise, rise, surprise
from gradcheck.measure.robust import finite, level, line, log_positive
from gradcheck.model import Event, Evidence, Kind, Role, Series, Severity
from gradcheck.wording import count, factor, number

CLUES = {
    "gradient_ramp": ClueKind(
        "the gradient norm grows over several rows before or into the failure", (Role.GRAD_NORM,)
    ),
    "loss_ramp": ClueKind("the loss grows over several rows into the failure"),
    "one_row_jump": ClueKind("the first abnormal row is a jump of a decade or more from normal"),
    "gradient_jumped_too": ClueKind(
        "the gradient norm jumps by a decade or more in the row in which the loss does",
        (Role.LOSS, Role.GRAD_NORM),
    ),
    "loss_climbed": ClueKind("the loss left its best level and ended far above it"),
    "fell_without_floor": ClueKind("the loss ran away downwards, faster and faster"),
    "calm_before": ClueKind("the run had been calm for a long stretch before it broke"),
    "gradient_led_loss": ClueKind(
        "the gradient norm left its noise before the loss did", (Role.GRAD_NORM,)
    ),
    "gradient_rose_before": ClueKind(
        "in the last rows before the failure the gradient norm was already far above its level",
        (Role.GRAD_NORM,),
    ),
    "slow_gradient_growth": ClueKind(
        "the gradient norm grew steadily over a large part of the run", (Role.GRAD_NORM,)
    ),
    "flat_gradient": ClueKind(
        "the gradient norm shows nothing unusual up to the failure", (Role.GRAD_NORM,)
    ),
}
NONFINITE = (Kind.NONFINITE_LOSS, Kind.NONFINITE_GRADIENT, Kind.MASKED_NONFINITE)
LEAST_ROWS = 3
NEAR = 8
"""Rows by which a gradient's spike leads the loss's where Adam's second moment lags."""
STEEP = 1.2
"""Growth per row below which a rise is a drift."""
JUMP = 10.0
"""First abnormal row over the usual level: more than a step of a healthy update does."""
CALM_ROWS = 100
BACKGROUND, CLOSE = 60, 3
"""Rows whose gradient norm is the background, and rows just before the failure."""
RISEN = 3.0
"""The norm of the last row before the failure over its background."""
SLOW_ROWS = 20
SLOW_GROWTH = 8.0
SLOW_FIT = 0.6


def observe(case: Case) -> Iterator[Clue]:
    """Describe the way from the last normal row to the failure."""
    if case.onset is None or case.trigger is None or case.trigger.severity is Severity.WARNING:
        return
    loss = _rise(case, case.loss)
    norm = _rise(case, case.gradient)
    if case.gradient is not None and norm is not None:
        yield from _ramp(case, "gradient_ramp", "gradient norm", case.gradient, norm)
    if case.loss is not None and loss is not None:
        yield from _ramp(case, "loss_ramp", "loss", case.loss, loss)
        yield from _jump(case, case.loss, loss, norm)
    yield from _order(case)
    yield from _approach(case)
    if not case.failed:
        return
    yield from _climbed(case)
    yield from _stable(case)
    yield from _slow_growth(case)
    yield from _flat(case)


def _rise(case: Case, series: Series | None) -> Rise | None:
    if series is None:
        return None
    row = case.onset_row(series)
    bad = np.flatnonzero(~np.isfinite(series.value[row:]))
    end = row + (int(bad[0]) if len(bad) else min(len(series) - row, 2 * LEAD))
    return rise(series.value[:row], series.value[row:end])


def _ramp(case: Case, key: str, what: str, series: Series, rise: Rise) -> Iterator[Clue]:
    rows = rise.rising
    if rows < LEAST_ROWS or rise.values[rows - 1] < 4.0 * rise.usual:
        return
    ratios = rise.ratios[:rows]
    typical = float(np.exp(np.median(np.log(ratios[np.isfinite(ratios)]))))
    if typical < STEEP:
        return
    if ratios[0] > JUMP and ratios[0] > 3.0 * float(np.median(ratios[1:])):
        return
    top = float(rise.values[rows - 1])
    said = (
        f"the {what} rose in {count(rows, 'consecutive row')} from {number(rise.usual)} to "
        f"{number(top)}, {factor(typical)} per row"
    )
    strength = min(1.0, 0.5 + 0.1 * rows)
    yield Clue(key, _evidence(case, series, said, rows), strength, {"ratio": typical})


def _jump(case: Case, series: Series, loss: Rise, norm: Rise | None) -> Iterator[Clue]:
    ratio = float(loss.ratios[0])
    later = float(np.median(loss.ratios[1:3])) if len(loss.ratios) > 1 else 1.0
    if ratio < JUMP or case.onset_row(series) < LEAST_ROWS:
        return
    with_norm = norm is not None and norm.ratios[0] >= JUMP
    also = (
        f", the gradient norm with it by {factor(float(norm.ratios[0]))}"
        if norm and with_norm
        else ""
    )
    said = (
        f"the loss jumped from {number(loss.usual)} to {number(float(loss.values[0]))} "
        f"({factor(ratio)}) in one row with no rise before it{also}"
    )
    # a ramp of single steps could hide between two sparse rows
    strength = 1.0 / (1.0 + np.log10(case.cadence)) if not case.per_epoch else 0.3
    strength *= 1.0 if ratio > later or ratio > 100 else 0.6
    # where the run recovered, how it came back says more
    strength *= (1.0 if case.failed else 0.5) * surprise(ratio)
    yield Clue("one_row_jump", _evidence(case, series, said), strength, {"ratio": ratio})
    if norm is not None and with_norm and case.gradient is not None:
        said = (
            f"in the row of the jump the gradient norm is {number(float(norm.values[0]))} instead "
            f"of {number(norm.usual)}"
        )
        yield Clue("gradient_jumped_too", _evidence(case, case.gradient, said), strength)


def _climbed(case: Case) -> Iterator[Clue]:
    loss = case.loss
    events = [
        e for e in case.of_kind(Kind.DIVERGENCE) if loss is not None and e.series == loss.name
    ]
    if loss is None or not events:
        return
    event = events[0]
    row = int(np.searchsorted(loss.order, event.order))
    before, after = finite(loss.value[:row]), finite(loss.value[row:])
    if not len(before) or not len(after):
        return
    best, end = float(before.min()), level(after[-5:])
    if end > best:
        said = (
            f"the loss was down at {number(best)}, left that level at step {event.step} "
            f"and ended at {number(end)}"
        )
        yield Clue("loss_climbed", Evidence(said, loss.name, event.step, event.last_step))
    else:
        said = (
            f"from step {event.step} on the loss fell faster and faster, to "
            f"{number(float(after.min()))}"
        )
        yield Clue("fell_without_floor", Evidence(said, loss.name, event.step, event.last_step))


def _stable(case: Case) -> Iterator[Clue]:
    """A rate beyond the stability limit shows at once, not after a long calm stretch."""
    loss = case.loss
    if loss is None or case.per_epoch:
        return
    row = case.onset_row(loss)
    before = finite(loss.value[max(0, row - CALM_ROWS) : row])
    if len(before) < CALM_ROWS or level(before[-10:]) > 1.5 * abs(level(before)):
        return
    said = f"the run had been calm for at least {count(CALM_ROWS, 'row')} before"
    first = int(loss.step[row - CALM_ROWS])
    yield Clue("calm_before", Evidence(said, loss.name, first, int(loss.step[row - 1])))


def _order(case: Case) -> Iterator[Clue]:
    """Whether the gradient's chain to the failure began at an earlier step than the loss's."""
    if case.gradient is None or case.loss is None or case.trigger is None:
        return
    left = [
        e
        for e in case.of_kind(Kind.GRADIENT_SPIKE, Kind.DIVERGENCE)
        if e.series == case.gradient.name and e.order <= case.trigger.order
        if not e.recovered or _is_near(case, e)
    ]
    own = [e for e in case.of_kind(Kind.LOSS_SPIKE, Kind.DIVERGENCE) if e.series == case.loss.name]
    ended = [case.trigger] if case.trigger.series != case.gradient.name else []
    followed = [e for e in [*own, *ended] if e.step is not None]
    if not left or not followed:
        return
    gradient, loss = min(e.step or 0 for e in left), min(e.step or 0 for e in followed)
    if case.cadence <= loss - gradient <= LEAD * case.cadence:
        said = f"the gradient norm left its noise at step {gradient}, the loss only at step {loss}"
        yield Clue("gradient_led_loss", Evidence(said, case.gradient.name, gradient, loss))


def _approach(case: Case) -> Iterator[Clue]:
    """What comes out of the blue has no rows like these before it."""
    norm = case.gradient
    if norm is None:
        return
    row = case.onset_row(norm)
    logs = log_positive(finite(norm.value[max(0, row - BACKGROUND) : row]))
    if len(logs) < BACKGROUND // 2:
        return
    near, far = logs[-CLOSE:], logs[: -2 * CLOSE]
    usual = float(np.median(far))
    risen = float(near.min()) > max(float(np.quantile(far, 0.95)), usual + np.log(RISEN) / 2)
    if not (risen and float(near[-1]) > usual + np.log(RISEN)):
        return
    said = (
        f"in the rows before it the gradient norm rose from {number(float(np.exp(usual)))} to "
        f"{number(float(np.exp(near[-1])))}"
    )
    first, last = int(norm.step[max(0, row - 2 * CLOSE)]), int(norm.step[row - 1])
    yield Clue("gradient_rose_before", Evidence(said, norm.name, first, last))


def _is_near(case: Case, event: Event) -> bool:
    """Whether a gradient spike and the loss spike that passed are one story."""
    if case.failed or case.trigger is None or None in (event.step, case.trigger.step):
        return False
    return 0 <= (case.trigger.step or 0) - (event.step or 0) <= NEAR * case.cadence


def _slow_growth(case: Case) -> Iterator[Clue]:
    series = case.gradient
    if series is None or case.loss is None or case.onset_row(case.loss) < SLOW_ROWS:
        return
    bad = np.flatnonzero(~np.isfinite(series.value))
    end = int(bad[0]) if len(bad) else len(series)
    values = finite(series.value[:end])
    if len(values) < SLOW_ROWS:
        return
    logs = log_positive(values[-max(SLOW_ROWS, len(values) // 2) :])
    slope, fit = line(np.arange(len(logs), dtype=float), logs)
    grown = float(np.exp(np.clip(slope * len(logs), -50, 700)))
    if fit < SLOW_FIT or grown < SLOW_GROWTH or slope > np.log(2.0):
        return
    said = (
        f"over {count(len(logs), 'row')} the gradient norm grew {factor(grown)}, "
        f"{slope * 100:.2g}% per row"
    )
    first, last = int(series.step[end - len(logs)]), int(series.step[end - 1])
    yield Clue(
        "slow_gradient_growth", Evidence(said, series.name, first, last), fit, {"growth": grown}
    )


def _flat(case: Case) -> Iterator[Clue]:
    series = case.gradient
    if series is None or case.onset is None or case.onset.kind not in NONFINITE:
        return
    before = finite(case.before(series))
    if len(before) < 5:
        return
    logs = log_positive(before)
    usual = float(np.median(logs))
    if float(logs[-3:].max()) < usual + np.log(3.0):
        said = (
            f"the gradient norm stayed near {number(float(np.exp(usual)))} up to the row before "
            "the failure"
        )
        yield Clue("flat_gradient", _evidence(case, series, said), 1.0 if case.every_step else 0.5)


def _evidence(case: Case, series: Series, statement: str, rows: int = 1) -> Evidence:
    """The window from the row before the onset over the `rows` that the sentence speaks of."""
    row = case.onset_row(series)
    first = int(series.step[max(0, row - 1)])
    last = int(series.step[min(len(series) - 1, row + rows - 1)])
    return Evidence(statement, series.name, first, max(first, last))
