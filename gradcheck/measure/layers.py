"""Per-layer gradient norms, layer by layer."""

from __future__ import annotations

from gradcheck.measure.robust import finite, level
from gradcheck.model import Role, Run, Series

LEAST_LAYERS = 3
BIAS_WORDS = ("bias", "norm", "bn", "ln")


def median_norms(run: Run) -> list[tuple[Series, float]]:
    """Each layer's gradient norm with its median, weights only, in the order of the log."""
    layers = run.every(Role.LAYER_GRAD_NORM)
    weights = [s for s in layers if not _is_vector(s.name)] or layers
    return [(series, level(finite(series.value))) for series in weights if len(series)]


def extremes(run: Run) -> tuple[tuple[Series, float], tuple[Series, float]] | None:
    """The layer with the smallest norm, and the largest one, the global norm among them."""
    norms = median_norms(run)
    if len(norms) < LEAST_LAYERS:
        return None
    total = run.get(Role.GRAD_NORM)
    whole = [(total, level(finite(total.value)))] if total is not None and len(total) else []
    return min(norms, key=lambda pair: pair[1]), max([*norms, *whole], key=lambda pair: pair[1])


def _is_vector(name: str) -> bool:
    last = name.lower().rpartition("/")[2]
    return any(word in last for word in BIAS_WORDS)


def first_layer(run: Run) -> tuple[Series, Series] | None:
    """The gradient norms of weight and bias of the first layer logged with both, None without."""
    layers = {series.name: series for series in run.every(Role.LAYER_GRAD_NORM) if len(series)}
    for name, series in layers.items():
        bias = layers.get(name.replace("weight", "bias"))
        if bias is not None and bias is not series:
            return series, bias
    return None
