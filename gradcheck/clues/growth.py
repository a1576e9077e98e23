"""By which law did it grow: the square law of a quadratic, a straight line, or neither?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.regimes import undamped
from gradcheck.measure.robust import finite, line, log_positive
from gradcheck.measure.stretches import same_rows
from gradcheck.model import Evidence, FloatArray, Objective, Role, Series
from gradcheck.wording import factor, number

BOTH = (Role.LOSS, Role.GRAD_NORM)
CLUES = {
    "square_law": ClueKind(
        "loss and gradient norm grow geometrically, the loss as its square", BOTH
    ),
    "gradients_add_up": ClueKind(
        "from the first row on the gradient norm climbs as a sum does, in equal or shrinking steps",
        (Role.GRAD_NORM,),
        from_then_on=True,
    ),
}
LEAST_ROWS = 4
LINEAR_ROWS = 15
LINEAR_GROWTH = 4.0
LINEAR_FIT = 0.9
RISING_ROWS = 5
SATURATING_GROWTH = 5.0
SMOOTH = 0.08
"""Change of the norm from row to row; single batches differ by more."""
OPPOSED = -0.6
"""Correlation of loss and norm from which on one is largest where the other is least."""


def observe(case: Case) -> Iterator[Clue]:
    """Fit both laws where their rows are logged."""
    if case.gradient is None:
        return
    if case.loss is not None and case.failed:
        yield from _square_law(case, case.loss, case.gradient)
    if case.run.get(Role.GRAD_NORM) is not None:
        yield from itertools.islice(
            (
                *_linear(case, case.gradient),
                *_saturating(case, case.gradient),
                *_swinging(case, case.gradient),
            ),
            1,
        )


def _square_law(case: Case, loss: Series, norm: Series) -> Iterator[Clue]:
    """Loss ratio = (gradient ratio)² = (1 - ηλ)² in a quadratic (rule R4)."""
    start = max(0, case.onset_row(loss) - 1)
    rows, norm_rows = same_rows(loss, norm, start)
    values, norms = loss.value[rows], norm.value[norm_rows]
    good = np.flatnonzero(~(np.isfinite(values) & np.isfinite(norms) & (values > 0) & (norms > 0)))
    end = int(good[0]) if len(good) else len(values)
    values, norms = values[:end], norms[:end]
    if end < LEAST_ROWS:
        return
    end = int(np.argmax(values)) + 1
    logs, log_norms = np.log(values[:end]), np.log(norms[:end])
    slope, fit = line(log_norms, logs)
    steady, straight = line(np.arange(end, dtype=float), log_norms)
    if end < LEAST_ROWS or fit < 0.97 or not 1.7 < slope < 2.3 or straight < 0.95 or steady <= 0.02:
        return
    ratio = float(np.exp(steady))
    said = (
        f"from step {int(loss.step[start])} on each row multiplies the gradient "
        f"norm by {number(ratio)} and the "
        f"loss by {number(float(np.exp(slope * steady)))}, its square: the step is "
        "longer than the curvature allows"
    )
    last = int(loss.step[min(start + end - 1, len(loss) - 1)])
    yield Clue(
        "square_law", Evidence(said, norm.name, int(loss.step[start]), last), 1.0, {"ratio": ratio}
    )


def _linear(case: Case, norm: Series) -> Iterator[Clue]:
    values = _straight_part(finite(norm.value))
    if len(values) < LINEAR_ROWS or not _loss_is_calm(case, len(values)):
        return
    rows = np.arange(len(values), dtype=float)
    slope, fit = line(rows, values)
    _, log_fit = line(rows, log_positive(values))
    start = float(np.median(values[:3]))
    ramp = float(np.median(values[-3:])) / max(start, 1e-300)
    if slope <= 0 or fit < LINEAR_FIT or ramp < LINEAR_GROWTH or log_fit > fit:
        return
    said = (
        f"the gradient norm climbs along a straight line from {number(start)} in the first row to "
        f"{number(float(values[-1]))} (R² {fit:.2f}, {factor(ramp)}): each step "
        "adds its gradient to the last one's"
    )
    yield Clue(
        "gradients_add_up",
        Evidence(said, norm.name, int(norm.step[0]), int(norm.step[len(values) - 1])),
        fit,
    )


def _straight_part(values: FloatArray) -> FloatArray:
    """The longest of a few first stretches that a straight line describes; empty if none."""
    for end in (len(values), 400, 200, 100, 50, 30, 20, LINEAR_ROWS):
        part = values[:end]
        if (
            len(part) >= LINEAR_ROWS
            and line(np.arange(len(part), dtype=float), part)[1] >= LINEAR_FIT
        ):
            return part
    return values[:0]


def _saturating(case: Case, norm: Series) -> Iterator[Clue]:
    """A sum whose terms come to cancel: rises in every row, ever more slowly, then stays high."""
    values = finite(norm.value)
    falls = np.flatnonzero(np.diff(values) <= 0)
    top = int(falls[0]) if len(falls) else len(values) - 1
    if top < RISING_ROWS or len(values) < 2 * LINEAR_ROWS or values[0] <= 0:
        return
    ratios = values[1 : top + 1] / values[:top]
    after = values[top:]
    rough = float(np.median(np.abs(np.diff(after)) / after[:-1])) if len(after) > 2 else 1.0
    # a sum of many steps between two rows is smoother still
    smooth = SMOOTH if case.cadence == 1 else SMOOTH / 3
    slowing = float(np.median(ratios[-3:])) < float(np.median(ratios[:3]))
    stays = float(after.min()) > 2.0 * float(values[0])
    if values[top] < SATURATING_GROWTH * values[0] or not (slowing and stays) or rough > smooth:
        return
    if not _loss_is_calm(case, top):
        return
    said = (
        f"the gradient norm rises in each of the first {top} rows, ever more slowly, from "
        f"{number(float(values[0]))} to {number(float(values[top]))}, and stays there with "
        f"{rough * 100:.1g}% change per row: batches do not show in it, as in a sum of many"
    )
    yield Clue(
        "gradients_add_up", Evidence(said, norm.name, int(norm.step[0]), int(norm.step[top]))
    )


def _swinging(case: Case, norm: Series) -> Iterator[Clue]:
    """A pendulum's: a sum of gradients is largest where the loss is least, a gradient least."""
    loss = case.loss
    if loss is None or loss.objective is not Objective.MINIMISED:
        return
    if not bool(np.isfinite(loss.value).all()) or undamped(loss.value) is None:
        return
    rows, norm_rows = same_rows(loss, norm)
    values, norms = loss.value[rows], norm.value[norm_rows]
    if len(rows) < LINEAR_ROWS or not bool((norms > 0).all() and np.isfinite(norms).all()):
        return
    if not np.ptp(norms) > 0 or not np.ptp(values) > 0:
        return  # clipped to one length: it says nothing
    together = float(np.corrcoef(values, norms)[0, 1])
    if together > OPPOSED:
        return
    said = (
        f"the loss swings between {number(float(values.min()))} and "
        f"{number(float(values.max()))}, and the gradient norm is largest where it is least "
        f"(correlation {together:.2f}): a single gradient would be smallest there, a sum is not"
    )
    window = int(loss.step[0]), int(loss.step[-1])
    yield Clue("gradients_add_up", Evidence(said, norm.name, *window))


def _loss_is_calm(case: Case, rows: int) -> bool:
    if case.loss is None:
        return True
    values = case.loss.value[: rows + 1]
    return bool(np.isfinite(values).all()) and float(values.max()) <= 3.0 * abs(float(values[0]))
