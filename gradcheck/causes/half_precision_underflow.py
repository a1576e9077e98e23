"""Gradients are too small for float16 and become 0.

## What happens
The smallest positive float16 number is 6e-8. Without a loss scaler, or with a scale that has sunk
to its floor, small gradients are rounded to 0: the layers near the input first, then all of them.

## How it looks in a log
The loss stands still, the gradient norm is exactly 0 or next to nothing, and the loss scale is 1
(or below 16) for good or there is none.

## How it looks from inside
A large share of the entries of `p.grad` is exactly 0; the same gradients in float32 are not.

## What it is confused with
Vanishing gradients of a deep network: small, yet not exactly 0, in float32. Dead units: exactly 0
after a burst.

## Sources
Micikevicius et al. 2018, Mixed precision training; PyTorch documentation, torch.amp.GradScaler.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Scale the loss: a GradScaler starts at 65536 and looks for the largest scale that works",
        "scaler = torch.amp.GradScaler('cuda')\nscaler.scale(loss).backward()\n"
        "scaler.step(optimizer)\nscaler.update()",
        None,
        advice.TORCH_AMP,
    )
    yield advice.prefer_bfloat16(finding)


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="gradients fell below what float16 can hold and became 0",
    prior=-5.5,
    weights={
        "gradients_missing": -3.0,
        "large_norm_flat_loss": -3.0,
        "half_precision_configured": 1.9,
        "scale_stays_low": 6.0,
        "gradient_zero_from_start": 3.0,
        "loss_exactly_zero": -2.0,
        "gradients_back_in_float32": 4.0,
        "tiny_gradient": 1.5,
        "flat_from_start": 1.0,
        "layers_starve": 0.5,
        "gradient_alive": -2.0,
        "rate_collapsed": -2.0,
        "sudden_nonfinite": -3.0,
        "clipped_while_scaled": -4.0,
    },
    remedies=_remedies,
    trials=("float32",),
)
