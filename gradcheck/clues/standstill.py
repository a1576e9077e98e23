"""Why does nothing move: no gradient, no learning rate, or neither?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind, over
from gradcheck.measure.layers import cut_off, extremes, starved_at_first
from gradcheck.measure.robust import block_levels, finite, level
from gradcheck.measure.start import hump_rows
from gradcheck.model import Event, Evidence, Kind, Role, Series
from gradcheck.wording import factor, number

CLUES = {
    "flat_from_start": ClueKind("the loss never moves from its first value"),
    "loss_exactly_zero": ClueKind(
        "the loss is exactly 0 from the first row on, as is its gradient"
    ),
    "accuracy_never_moves": ClueKind(
        "an accuracy is the same to all digits in every row", (Role.ACCURACY,)
    ),
    "hump_then_flat": ClueKind("the loss jumps in the first rows and then stays where it began"),
    "tiny_gradient": ClueKind(
        "the gradient norm is far too small to change anything", (Role.GRAD_NORM,)
    ),
    "layers_starve": ClueKind(
        "the gradient shrinks from layer to layer by orders of magnitude", (Role.LAYER_GRAD_NORM,)
    ),
    "gradient_stops": ClueKind("the gradient norm turns exactly 0 in mid-run", (Role.GRAD_NORM,)),
    "layer_gets_zeros": ClueKind(
        "a layer's weights get no gradient while its bias does: its input is 0 for every sample",
        (Role.LAYER_GRAD_NORM,),
    ),
    "large_norm_flat_loss": ClueKind(
        "the gradient norm is in the thousands while the loss stands still", (Role.GRAD_NORM,)
    ),
    "gradient_alive": ClueKind(
        "the gradient norm is of ordinary size all along", (Role.GRAD_NORM,)
    ),
}
ALIVE = 1e-3
LARGE = 1e3
STRAIGHT = 0.02
SAME_ROWS = 10
"""Rows in which a model that learns has at least one more or one fewer right."""


def observe(case: Case) -> Iterator[Clue]:
    """Look for the brake of a run that does not learn."""
    loss = case.loss
    if loss is None or case.failed:
        return
    for event in case.of_kind(Kind.PLATEAU):
        yield _flat(loss, event, told=case.gradient is not None)
        yield from _nothing(loss)
        yield from _constant(case)
        yield from _hump(loss)
    for event in case.of_kind(Kind.VANISHING_GRADIENT):
        yield from _vanishing(case, event.series)
    for event in case.of_kind(Kind.DEAD_UNITS):
        yield _dead(case, event)
    if case.of_kind(Kind.PLATEAU) and case.gradient is not None:
        yield from _alive(loss, case.gradient)


def _dead(case: Case, event: Event) -> Clue:
    cut = cut_off(case.run)
    if cut is not None and cut.name == event.series:
        key, said = (
            "layer_gets_zeros",
            (
                f"{cut.name} is exactly 0 in every row while that of its bias is not: the layer's "
                "input is 0 for every sample, and the layers before it get no gradient"
            ),
        )
    else:
        key = "gradient_stops"
        said = f"from step {event.step} on the gradient norm is exactly 0 while the loss is not"
    return Clue(key, Evidence(said, event.series, event.step, event.last_step))


def _flat(loss: Series, event: Event, *, told: bool) -> Clue:
    values = finite(loss.value)
    levels = block_levels(values, 10)
    size = abs(level(levels))
    said = (
        f"the loss stays at {number(level(values))} from step {event.step} to the last "
        f"({number(float(levels[0]))} → {number(float(levels[-1]))})"
    )
    # within wide noise a slow fall may hide
    strength = 1.0 if float(np.ptp(levels)) <= STRAIGHT * size else 0.5
    # whether gradients arrive at all is half of the question
    strength *= 1.0 if told else 0.7
    # a log that begins late may tell of a run that had learned before
    strength *= (
        1.0 if loss.step[0] <= len(loss) * max(1, int(np.median(np.diff(loss.step)))) else 0.6
    )
    return Clue("flat_from_start", Evidence(said, loss.name, event.step, event.last_step), strength)


def _nothing(loss: Series) -> Iterator[Clue]:
    """No model begins without any error: no target counts, say, for all are masked."""
    if not loss.value.any():
        said = "the loss is exactly 0 in all rows: nothing is counted in it"
        yield Clue("loss_exactly_zero", over(loss, said))


def _constant(case: Case) -> Iterator[Clue]:
    """A model that says the same of every sample is right as often as that is, every time."""
    for right in case.run.every(Role.ACCURACY):
        values = finite(right.value)
        if len(values) >= SAME_ROWS and not np.ptp(values) and not float(values[0]).is_integer():
            said = (
                f"{right.name} is {number(float(values[0]))} in all {len(values)} rows: the model "
                "says the same of every sample"
            )
            yield Clue("accuracy_never_moves", over(right, said))
            return


def _hump(loss: Series) -> Iterator[Clue]:
    """Steps of a bounded size that were too long: up at once, then down to a constant guess."""
    rows = hump_rows(loss.value)
    first = float(loss.value[0])
    if rows and first > 0:
        top = float(loss.value[:rows].max())
        said = (
            f"the loss jumps from {number(first)} to {number(top)} within the first "
            "rows and ends at "
            f"{number(level(loss.value[-rows:]))}"
        )
        window = (int(loss.step[0]), int(loss.step[rows - 1]))
        yield Clue("hump_then_flat", Evidence(said, loss.name, *window))


def _vanishing(case: Case, name: str | None) -> Iterator[Clue]:
    norm = case.run.get(Role.GRAD_NORM)
    if norm is not None and norm.name == name:
        said = (
            f"the gradient norm is {number(level(finite(norm.value)))} (median): steps "
            "of that size change nothing"
        )
        yield Clue("tiny_gradient", over(norm, said))
        return
    found = extremes(case.run)
    if found is None:
        return
    small, large = found
    if not starved_at_first(small[0], large[0]):
        return
    ratio = large[1] / small[1] if small[1] > 0 else float("inf")
    said = (
        f"{small[0].name} gets a gradient of {number(small[1])}, {large[0].name} "
        f"one of {number(large[1])} ({factor(ratio)})"
    )
    yield Clue("layers_starve", over(small[0], said), 1.0, {"ratio": ratio})


def _alive(loss: Series, norm: Series) -> Iterator[Clue]:
    usual = level(finite(norm.value))
    # the gradient of a loss in large units is as large
    unit = max(1.0, abs(level(finite(loss.value))))
    if usual > LARGE * unit and len(finite(norm.value)) > 0.8 * len(norm):
        said = (
            f"the gradient norm is {number(usual)} all along and the loss does not move: "
            "steps of that size are not taken"
        )
        yield Clue("large_norm_flat_loss", over(norm, said))
    elif usual > ALIVE and np.isfinite(norm.value).all():
        yield Clue(
            "gradient_alive",
            over(
                norm, f"the gradient norm is {number(usual)}, of ordinary size: gradients do arrive"
            ),
        )
