"""Which failed first, the loss or its gradient? In one row both come from the same weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import finite, level
from gradcheck.measure.stretches import row_at, row_before
from gradcheck.model import Evidence, Kind, Role, Series
from gradcheck.wording import count, factor, number

BOTH = (Role.LOSS, Role.GRAD_NORM)
CLUES = {
    "gradient_failed_first": ClueKind(
        "the gradient norm is non-finite in a row whose loss is finite", BOTH
    ),
    "updates_not_applied": ClueKind(
        "the loss stays finite after a non-finite gradient: its updates were skipped", BOTH
    ),
    "failed_together": ClueKind("loss and gradient norm turn non-finite in the same row", BOTH),
    "finite_gradient_beside_nan": ClueKind(
        "the loss is non-finite in a row whose gradient norm is a normal number", BOTH
    ),
    "huge_gradient_before_nan": ClueKind(
        "the last gradient before the first NaN was many times its usual size", BOTH
    ),
    "infinite_before_nan": ClueKind("the first non-finite loss is an infinity, not a NaN"),
}
HUGE = 20.0
EXPLODED = 1e4
"""A loss over its usual size whose gradient may overflow without any operation to blame."""
UNSEEN = 0.6
"""Strength of an infinite loss where no gradient norm tells whether anything grew before it."""


def observe(case: Case) -> Iterator[Clue]:
    """Compare the first non-finite row of the loss with that of the gradient norm."""
    loss, norm = case.loss, case.gradient or _failed_layer(case)
    if loss is None or not (case.failed or _nonfinite_is_the_case(case)):
        return
    bad_loss = np.flatnonzero(~np.isfinite(loss.value))
    if len(bad_loss) and np.isinf(loss.value[bad_loss[0]]):
        yield _infinite(loss, int(bad_loss[0]), 1.0 if norm is not None else UNSEEN)
    if norm is None:
        return
    bad_norm = np.flatnonzero(~np.isfinite(norm.value))
    loss_step = int(loss.step[bad_loss[0]]) if len(bad_loss) else None
    norm_step = int(norm.step[bad_norm[0]]) if len(bad_norm) else None
    if norm_step is not None and (loss_step is None or norm_step <= loss_step):
        yield from _from_gradient(case, loss, norm, norm_step)
    elif loss_step is not None:
        yield from _from_loss(case, loss, norm, loss_step)


def _failed_layer(case: Case) -> Series | None:
    """The layer whose gradient norm failed first, where no global norm is logged."""
    failed = {event.series for event in case.of_kind(Kind.NONFINITE_GRADIENT)}
    return next((s for s in case.run.every(Role.LAYER_GRAD_NORM) if s.name in failed), None)


def _nonfinite_is_the_case(case: Case) -> bool:
    kinds = (Kind.NONFINITE_GRADIENT, Kind.NONFINITE_LOSS)
    return case.trigger is not None and case.trigger.kind in kinds


def _infinite(loss: Series, row: int, strength: float) -> Clue:
    step = int(loss.step[row])
    before = number(float(loss.value[row - 1])) if row else "nothing"
    said = (
        f"the loss went from {before} to {number(float(loss.value[row]))} at step "
        f"{step}, not to NaN"
    )
    return Clue("infinite_before_nan", Evidence(said, loss.name, step, step), strength)


def _from_gradient(case: Case, loss: Series, norm: Series, step: int) -> Iterator[Clue]:
    row = row_at(loss, step)
    if row is None:
        return
    value = float(loss.value[row])
    if not np.isfinite(value):
        before = "both were finite before" if row else "from the first row on"
        yield Clue(
            "failed_together",
            _said(
                f"loss and gradient norm are both non-finite at step {step}, {before}",
                norm,
                step,
            ),
        )
        yield from _huge_before(case, norm, step)
    elif value > EXPLODED * abs(case.usual(loss)) > 0:  # its gradient is too large for a float
        yield from _huge_before(case, norm, step)
    elif not _is_hidden(loss, row) and not case.of_kind(Kind.MASKED_NONFINITE):
        at = row_at(norm, step)
        bad = number(float(norm.value[at])) if at is not None else "nan"
        said = (
            f"at step {step} the gradient norm is {bad} while the loss of the same row "
            f"is {number(value)}"
        )
        yield Clue("gradient_failed_first", _said(said, norm, step))
        yield from _not_applied(loss, row)
        yield from _huge_before(case, norm, step)


def _not_applied(loss: Series, row: int) -> Iterator[Clue]:
    """Weights that had taken a NaN in would make every loss after it NaN."""
    after = loss.value[row + 1 :]
    if not len(after) or not np.isfinite(after).all() or _is_hidden(loss, row + 1):
        return
    first, last = int(loss.step[row]), int(loss.step[-1])
    said = (
        f"after the gradient of step {first} the loss is finite in {count(len(after), 'row')} more "
        f"({number(float(after[-1]))} in the last): what was not finite was not applied"
    )
    yield Clue("updates_not_applied", Evidence(said, loss.name, first, last))


def _is_hidden(loss: Series, row: int) -> bool:
    """Whether the logger may have replaced the loss: exactly 0, or the last value repeated."""
    return bool(loss.value[row] == 0) or (row > 0 and bool(loss.value[row] == loss.value[row - 1]))


def _from_loss(case: Case, loss: Series, norm: Series, step: int) -> Iterator[Clue]:
    row = row_at(norm, step)
    if row is not None and np.isfinite(norm.value[row]) and not _is_stale(norm, row):
        value = float(norm.value[row])
        said = (
            f"at step {step} the loss is non-finite while the gradient norm of the same "
            f"row is {number(value)}"
        )
        yield Clue("finite_gradient_beside_nan", _said(said, norm, step))
    yield from _huge_before(case, norm, step)


def _is_stale(norm: Series, row: int) -> bool:
    """Whether the value repeats a neighbour's to all digits: skipped steps print the last norm."""
    value = norm.value[row]
    near = [norm.value[i] for i in (row - 1, row + 1) if 0 <= i < len(norm)]
    return bool(value != 0) and any(bool(value == other) for other in near)


def _huge_before(case: Case, norm: Series, step: int) -> Iterator[Clue]:
    row = row_before(norm, step)
    usual = level(case.healthy_norms[-50:]) if len(case.healthy_norms) >= 3 else float("nan")
    if row is None or not usual > 0 or not np.isfinite(norm.value[row]):
        return
    ratio = float(norm.value[row]) / usual
    if ratio >= HUGE and len(finite(norm.value[: row + 1])) >= 4:
        said = (
            f"the gradient norm one row earlier was {number(float(norm.value[row]))}, "
            f"{factor(ratio)} its usual {number(usual)}: that update wrecked the weights"
        )
        yield Clue("huge_gradient_before_nan", _said(said, norm, int(norm.step[row])))


def _said(statement: str, series: Series, step: int) -> Evidence:
    return Evidence(statement, series.name, step, step)
