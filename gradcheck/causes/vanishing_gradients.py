"""The gradient dies on its way to the first layers.

## What happens
Saturating activations, small weights or great depth multiply the gradient by less than one per
layer. The first layers get nothing, so the loss stays where it was.

## How it looks in a log
A flat loss, with per-layer norms that shrink by orders of magnitude towards the input, or a global
norm that is next to nothing from the first row on.

## How it looks from inside
Gradient norms shrink from the last layer to the first by a near-constant factor.

## What it is confused with
A collapsed learning rate: gradients are of ordinary size. Convergence: the loss had fallen before.

## Sources
Hochreiter 1991; Glorot & Bengio 2010; AUTOTRAINER (ICSE 2021) for the ratio of 1e-3.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Use a non-saturating activation (ReLU, GELU) with He initialisation",
        "torch.nn.init.kaiming_normal_(layer.weight, nonlinearity='relu')",
        None,
        "He et al. 2015",
    )
    yield Remedy(
        "Add residual connections and normalisation, so that the gradient has a short way",
        "x = x + block(norm(x))",
        None,
        "He et al. 2016, Identity mappings in deep residual networks",
    )
    yield prevention.normalise()


CAUSE = Cause(
    family=Family.STALLED_TRAINING,
    summary="the gradient vanishes before it reaches the first layers",
    weights={
        "gradients_missing": -3.0,
        "gradient_zero_from_start": 3.0,
        "loss_exactly_zero": -2.0,
        "layers_starve": 6.0,
        "tiny_gradient": 4.5,
        "flat_from_start": 2.5,
        "gradient_alive": -1.0,
        "rate_collapsed": -2.0,
        "gradient_stops": -1.0,
        "gradients_fade_with_depth": 6.0,
        "units_dead_inside": -4.0,
        "model_left_out": -4.0,
        "parameters_left_out": -2.0,
        "clipped_while_scaled": -4.0,
    },
    remedies=_remedies,
    trials=("default_initialization", "raise_learning_rate"),
)
