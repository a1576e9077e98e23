"""Per-layer gradient norms, layer by layer."""

from __future__ import annotations

import re

import numpy as np

from gradcheck.measure.robust import finite, level
from gradcheck.model import Role, Run, Series

LEAST_LAYERS = 3
_OF_ONE = re.compile(r"optimizer_\d+/grad_norm")
_MEASURE = re.compile(r"[/.](grad(ient)?(_?norm)?|(l2_?)?norm)$")
"""What a name says last of the measure, and not of the layer."""
BIAS_WORDS = ("bias", "norm", "bn", "ln")
FIRST_ROWS, FAINT = 3, 0.03
"""Rows at the start, and a small norm over a large one there."""
LEAST_ROWS, LEAST_STEPS = 5, 19
"""Rows in which a layer must be cut off, and steps from the first of them to the last."""


def median_norms(run: Run) -> list[tuple[Series, float]]:
    """Each layer's gradient norm with its median, weights only, in the order of the log."""
    layers = run.every(Role.LAYER_GRAD_NORM)
    weights = [s for s in layers if not _is_vector(s.name)] or layers
    return [(series, level(finite(series.value))) for series in weights if len(series)]


def norms_by_optimizer(run: Run) -> list[Series]:
    """The gradient norm of each optimizer: a record of several gives them names of their own."""
    return [series for series in run.series if _OF_ONE.fullmatch(series.name)]


def extremes(run: Run) -> tuple[tuple[Series, float], tuple[Series, float]] | None:
    """The layer with the smallest norm, and the largest one, the global norm among them."""
    norms = median_norms(run)
    if len(norms) < LEAST_LAYERS:
        return None
    # where both are logged, those of the layers may be either
    total = run.get(Role.CLIPPED_GRAD_NORM) or run.get(Role.GRAD_NORM)
    whole = [(total, level(finite(total.value)))] if total is not None and len(total) else []
    return min(norms, key=lambda pair: pair[1]), max([*norms, *whole], key=lambda pair: pair[1])


def starved_at_first(small: Series, large: Series) -> bool:
    """Whether the first rows of one layer's norm are far below those of the other as well.

    What is cut off only later was cut off by something that training did.
    """
    below, above = finite(small.value)[:FIRST_ROWS], finite(large.value)[:FIRST_ROWS]
    return len(below) > 0 and float(below.max()) < FAINT * level(above)


def _is_vector(name: str) -> bool:
    """Whether a series is that of a bias or a normalisation, which `watch` marks, not a matrix."""
    last = _MEASURE.sub("", name.lower()).rpartition("/")[2]
    return last.endswith("]") or any(word in last for word in BIAS_WORDS)


def first_layer(run: Run) -> tuple[Series, Series] | None:
    """The gradient norms of weight and bias of the first layer logged with both, None without."""
    layers = {series.name: series for series in run.every(Role.LAYER_GRAD_NORM) if len(series)}
    for name, series in layers.items():
        bias = layers.get(_bias_of(name))
        if bias is not None and bias is not series:
            return series, bias
    return None


def cut_off(run: Run) -> Series | None:
    """The weight whose gradient is exactly 0 in every row while that of its bias is not.

    The gradient of a weight is the product of that of its bias and of its input: the input is 0 for
    every sample. A weight that is merely frozen has layers before it that learn; here some layer
    before it gets no gradient at all, weight and bias. None where there is no such layer.
    """
    pairs = _weights_with_bias(run)
    silent = False
    for weight, bias in pairs:
        if _is_zero(weight) and _is_zero(bias):
            silent = True
        elif _is_zero(weight) and silent and bool((bias.value != 0).all()):
            return weight
        elif not _is_zero(weight):
            silent = False
    return None


def _is_zero(series: Series) -> bool:
    if len(series) < LEAST_ROWS or series.step[-1] - series.step[0] < LEAST_STEPS:
        return False
    return bool(np.all(series.value == 0))


def _weights_with_bias(run: Run) -> list[tuple[Series, Series]]:
    """The gradient norms of weights and of their biases, in the order of the log."""
    layers = {series.name: series for series in run.every(Role.LAYER_GRAD_NORM)}
    named = ((weight, layers.get(_bias_of(name))) for name, weight in layers.items())
    return [(weight, bias) for weight, bias in named if bias is not None and bias is not weight]


def _bias_of(name: str) -> str:
    return name.replace("weight", "bias")
