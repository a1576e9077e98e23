"""A burst has switched the units off.

## What happens
One long step pushes biases so far down that ReLU units are 0 for every input. Their gradient is 0
too, so they never come back.

## How it looks in a log
From some row on the gradient norm is exactly 0, or tiny and constant, while the loss is frozen at
the level of a constant guess.

## How it looks from inside
Most units of a ReLU layer are 0 for every input; the gradients of their weights are exactly 0 and
only the last biases still move.

## What it is confused with
A burst that the log shows: then the burst is told as the cause, this is what it left behind.
Convergence: the loss is low. Vanishing gradients: small from the first row on.

## Sources
Maas et al. 2013; AUTOTRAINER (ICSE 2021).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, words_optimizer
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Lower the learning rate or warm it up, so that no early step can switch units off",
        *advice.snippet(finding, words_optimizer.WARMUP, steps="500"),
        "Goyal et al. 2017, Accurate, large minibatch SGD",
    )
    yield Remedy(
        "Use an activation with a slope on both sides",
        "torch.nn.LeakyReLU(0.01)  # or GELU",
        None,
        "Maas et al. 2013",
    )


CAUSE = Cause(
    family=Family.STALLED_TRAINING,
    summary="units were switched off for good and pass no gradient",
    weights={
        "gradients_missing": -3.0,
        "gradient_zero_from_start": 3.0,
        "loss_exactly_zero": -2.0,
        "units_off": 6.5,
        "gradient_stops": 6.5,
        "layer_gets_zeros": 7.5,
        "flat_from_start": 0.5,
        "tiny_gradient": 0.5,
        "gradient_alive": -3.0,
        "rate_collapsed": -2.0,
        "units_dead_inside": 6.0,
        "model_left_out": -4.0,
        "parameters_left_out": -2.0,
        "gradients_fade_with_depth": -3.0,
    },
    remedies=_remedies,
    trials=("default_initialization", "lower_learning_rate"),
)
