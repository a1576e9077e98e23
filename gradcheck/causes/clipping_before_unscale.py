"""Gradients are clipped while they are still multiplied by the loss scale.

## What happens
With a loss scaler `.grad` holds scale × gradient until `unscale_`. A clip before it cuts that
product down to the threshold, and unscaling then divides by the scale once more: the gradient that
is left has a norm of threshold/scale, 1/65536 of what was meant. SGD stands still; Adam, which
does not see a constant factor, hides it until ε bites.

## How it looks in a log
The gradient norm is tens of thousands at a sound loss, halves and doubles in the rows in which the
scale does, and the loss hardly moves.

## How it looks from inside
The norm of `p.grad` at `optimizer.step()` is max_norm / scale.

## What it is confused with
Exploding gradients: the norm is large, yet divided by the scale it is ordinary. Vanishing
gradients: the norm that was logged is not small.

## Sources
PyTorch documentation, Automatic Mixed Precision examples (gradient clipping).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Unscale before clipping, so that the clip sees true gradients",
        "scaler.unscale_(optimizer)\ntorch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
        "scaler.step(optimizer)\nscaler.update()",
        None,
        advice.TORCH_AMP,
    )
    yield Remedy(
        "Or let the framework clip: Lightning, Accelerate and the Hugging Face Trainer "
        "unscale first",
        "accelerator.clip_grad_norm_(model.parameters(), 1.0)",
        None,
        "Accelerate documentation, gradient clipping",
    )


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="gradients are clipped before they are unscaled",
    prior=-5.5,
    weights={
        "large_norm_flat_loss": 5.0,
        "norm_follows_scale": 8.0,
        "flat_from_start": 1.0,
        "loss_scaler_active": 0.5,
        "no_loss_scaler": -6.0,
        "huge_first_gradient": 1.0,
        "huge_first_loss": -3.0,
        "sudden_nonfinite": -3.0,
        "loss_climbed": -1.0,
        "clipped_while_scaled": 8.0,
        "float_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
    },
    remedies=_remedies,
    trials=("unscale_first", "clip_gradients"),
)
