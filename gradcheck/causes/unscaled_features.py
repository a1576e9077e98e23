"""Inputs or targets are not on the scale that the network expects.

## What happens
Features in the thousands make activations, loss and gradient enormous in the first row. SGD blows
up on the first update and then sits on a frozen plateau; Adam falls slowly and never gets there.

## How it looks in a log
First loss and first gradient norm are huge. The gradient of a first layer's weight is the input
times that of its bias: a ratio in the hundreds is an input that was never scaled.

## How it looks from inside
Inputs have a spread far from 1; the first layer's gradient is larger than all others.

## What it is confused with
Poor initialisation: the same picture without that ratio. Standardise the first batch only: a normal
first loss proves the features.

## Sources
LeCun et al. 1998, Efficient BackProp.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Standardise every feature, and a regression target, with the training "
        "split's mean and deviation",
        "mean, std = train_x.mean(0), train_x.std(0).clamp_min(1e-6)\nx = (x - mean) / std",
        None,
        "LeCun et al. 1998, Efficient BackProp",
        change="scale_inputs",
    )
    yield Remedy(
        "For heavy-tailed features take log1p first; or let a BatchNorm layer on the input do it",
        "model = torch.nn.Sequential(torch.nn.BatchNorm1d(x.shape[1]), model)",
        None,
        "Ioffe & Szegedy 2015, Batch normalization",
    )
    yield prevention.assert_on_batches()


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="inputs or targets are not scaled to what the network expects",
    weights={
        "large_input_norm": 4.0,
        "ordinary_input_norm": -4.0,
        "huge_first_loss": 4.4,
        "huge_first_gradient": 2.0,
        "nonfinite_after_first_row": 2.0,
        "blow_up_from_start": 1.5,
        "frozen_high": 0.3,
        "ordinary_first_loss": -5.0,
        "nonfinite_at_first_row": -2.0,
        "sudden_nonfinite": -5.0,
        "one_row_jump": -4.0,
        "slow_gradient_growth": -1.0,
        "gradients_add_up": -2.0,
        "rate_raised_at_onset": -2.0,
        "inputs_far_from_unit": 6.0,
        "targets_far_from_unit": 6.0,
        "float_overflowed": 2.0,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "update_made_nonfinite": 0.0,
        "activations_grow_with_depth": -7.0,
        "batch_stands_out": -4.0,
        "target_stands_out": -4.0,
        "earlier_weights_calm": -3.0,
    },
    remedies=_remedies,
    trials=("scale_inputs", "lower_learning_rate"),
)
