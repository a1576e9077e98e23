"""Are the loss and the gradient of the very first row already out of all proportion?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.layers import first_layer
from gradcheck.measure.robust import finite, level
from gradcheck.measure.start import EARLY_ROWS, HUGE_LOSS, HUGE_NORM
from gradcheck.model import Evidence, Role, Series
from gradcheck.wording import factor, number

CLUES = {
    "huge_first_loss": ClueKind("the loss is enormous before the first update"),
    "huge_first_gradient": ClueKind(
        "the gradient norm is enormous before the first update", (Role.GRAD_NORM,)
    ),
    "large_input_norm": ClueKind(
        "weight over bias gradient of one layer, the norm of its input, is in the hundreds",
        (Role.LOSS, Role.LAYER_GRAD_NORM),
    ),
    "ordinary_input_norm": ClueKind(
        "weight over bias gradient of the first layer, the norm of its input, is ordinary",
        (Role.LOSS, Role.LAYER_GRAD_NORM),
    ),
    "ordinary_first_loss": ClueKind("the loss of the first rows is an ordinary number"),
    "ordinary_first_gradient": ClueKind(
        "the gradient norm of the first row is an ordinary number", (Role.GRAD_NORM,)
    ),
}
ORDINARY = 30.0
LARGE_INPUT = 200.0
"""Norm of an input that is not standardised; 40,000 standardised features have it too."""


def observe(case: Case) -> Iterator[Clue]:
    """Look at the first rows, if the log has the start of the run."""
    loss = case.loss
    if loss is None or not len(loss) or case.per_epoch or loss.step[0] > 10 * case.cadence:
        return
    first = float(loss.value[0])
    if not np.isfinite(first):
        return
    suspicious = abs(first) >= HUGE_LOSS and _is_wrong_for_this_run(case, loss, first)
    if suspicious:
        said = f"the first loss is {number(first)}, before any update could have spoilt the weights"
        yield Clue(
            "huge_first_loss",
            _at_start(loss, said),
            min(1.0, 0.4 + np.log10(abs(first) / HUGE_LOSS) / 4),
        )
    elif 0 < first < ORDINARY and case.failed:
        yield Clue(
            "ordinary_first_loss",
            _at_start(loss, f"the first loss is {number(first)}, an ordinary value"),
        )
    yield from _gradient(case)
    if suspicious:
        yield from _input_norm(case)


def _is_wrong_for_this_run(case: Case, loss: Series, first: float) -> bool:
    """A run that trained well for long, or in large units, had no trouble with its first row."""
    later = finite(loss.value[len(loss) // 2 :])
    if case.failed and case.onset_row(loss) <= EARLY_ROWS:
        return True
    return not case.failed and len(later) > 0 and first > 30 * abs(level(later))


def _gradient(case: Case) -> Iterator[Clue]:
    norm = case.gradient
    if norm is None or not len(norm) or not np.isfinite(norm.value[0]):
        return
    first = float(norm.value[0])
    if first >= HUGE_NORM:
        loss = float(case.loss.value[0]) if case.loss is not None else float("nan")
        said = (
            f"the first gradient norm is {number(first)} at a loss of {number(loss)} "
            f"({factor(first / max(abs(loss), 1e-12))})"
        )
        yield Clue(
            "huge_first_gradient",
            _at_start(norm, said),
            min(1.0, 0.4 + np.log10(first / HUGE_NORM) / 4),
        )
    elif 0 < first < ORDINARY and case.failed:
        said = f"the first gradient norm is {number(first)}, an ordinary value"
        yield Clue("ordinary_first_gradient", _at_start(norm, said))


def _input_norm(case: Case) -> Iterator[Clue]:
    """‖∂L/∂W‖ over ‖∂L/∂b‖ of a layer is about the norm of its input: the bias' input is 1."""
    pair = first_layer(case.run)
    if pair is None:
        return
    weight, bias = pair
    ratio = float(weight.value[0]) / max(float(bias.value[0]), 1e-300)
    if not np.isfinite(ratio):
        return
    said = (
        f"the first gradient of {weight.name} is {factor(ratio)} that of its bias, which is about "
        f"the norm of the layer's input: {'far from' if ratio >= LARGE_INPUT else 'like'} that of "
        "standardised features"
    )
    key = "large_input_norm" if ratio >= LARGE_INPUT else "ordinary_input_norm"
    yield Clue(key, _at_start(weight, said))


def _at_start(series: Series, statement: str) -> Evidence:
    return Evidence(statement, series.name, int(series.step[0]), int(series.step[0]))
