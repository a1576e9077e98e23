"""The weights start so large that signals grow from layer to layer.

## What happens
Each layer multiplies the spread of its activations by about σ√(fan_in/2). With σ too large the
product over the depth is astronomic: the first loss and the first gradient already are, and the
first update ends the run.

## How it looks in a log
The loss of the very first row is far beyond anything the loss can mean (cross-entropy ≫ ln C,
squared error ≫ variance of the target). The second row is often infinite.

## How it looks from inside
The spread of the activations is multiplied from layer to layer in the very first forward pass,
while the inputs are of unit size.

## What it is confused with
Unscaled features: the same picture. Where the gradient norms of the first layer's weight and bias
are logged, their ratio is the norm of the input and settles it; so does an input replaced by noise
of unit variance: a loss that stays huge is the initialisation.
A learning rate that is too high: its first loss is ordinary.

## Sources
Glorot & Bengio 2010; He et al. 2015; Karpathy, A recipe for training neural networks.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Scale the initial weights with the fan-in: He for ReLU, Xavier for tanh; "
        "0.02 or √(2/(5h)) in transformers, residual outputs divided by √(2L)",
        "for m in model.modules():\n    if isinstance(m, torch.nn.Linear):\n       "
        " torch.nn.init.kaiming_normal_(m.weight, nonlinearity='relu')\n        "
        "torch.nn.init.zeros_(m.bias)",
        None,
        "He et al. 2015, Delving deep into rectifiers",
        change="default_initialization",
    )
    yield Remedy(
        "Put a normalisation layer after each wide layer, or start residual branches at zero",
        "block = torch.nn.Sequential(torch.nn.Linear(n, m), torch.nn.LayerNorm(m))\n"
        "torch.nn.init.zeros_(residual.weight)",
        None,
        "Zhang et al. 2019, Fixup initialization",
    )
    yield prevention.scale_residuals()
    yield prevention.check_first_loss()


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="the initial weights are so large that the loss is enormous before the first update",
    weights={
        "frozen_high": 0.3,
        "ordinary_input_norm": 3.0,
        "large_input_norm": -2.5,
        "huge_first_loss": 4.4,
        "huge_first_gradient": 2.0,
        "nonfinite_after_first_row": 2.0,
        "blow_up_from_start": 1.5,
        "nonfinite_at_first_row": 1.0,
        "ordinary_first_loss": -5.0,
        "sudden_nonfinite": -5.0,
        "one_row_jump": -4.0,
        "loss_climbed": -0.5,
        "slow_gradient_growth": -1.0,
        "gradients_add_up": -2.0,
        "rate_raised_at_onset": -2.0,
        "activations_grow_with_depth": 7.0,
        "float_overflowed": 2.0,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "update_made_nonfinite": 0.0,
        "inputs_far_from_unit": -6.0,
        "targets_far_from_unit": -6.0,
        "batch_stands_out": -4.0,
        "target_stands_out": -4.0,
        "signal_keeps_size": -6.0,
    },
    remedies=_remedies,
    trials=("default_initialization", "lower_learning_rate"),
)
