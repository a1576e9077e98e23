"""Scaled gradients overflow at every step until the loss scale is gone.

## What happens
The gradients themselves are too large for float16 at any scale, or grow faster than the scaler
halves. Every step is skipped; below a scale of 1 small gradients vanish and nothing is learned.

## How it looks in a log
The loss scale is halved row after row to its floor while the loss is still finite.

## How it looks from inside
Loss and weights are finite; entries of the scaled gradients are infinite in every step.

## What it is confused with
A few isolated halvings, each followed by growth: the scaler at work, healthy.
A forward overflow: the loss is NaN while the scale falls.

## Sources
PyTorch documentation, torch.amp.GradScaler (halves on overflow, doubles after 2000 good steps).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield advice.prefer_bfloat16(finding)
    yield advice.lower_learning_rate(finding)
    yield advice.start_scale_lower(finding)
    yield prevention.unscale_before_clipping()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="scaled gradients overflowed at every step until the loss scale was gone",
    prior=-5.0,
    weights={
        "scale_fell_beside_finite_loss": 7.0,
        "scale_fell_beside_nan": 2.5,
        "scale_fell_first": 1.5,
        "updates_not_applied": 3.5,
        "loss_scaler_active": 0.5,
        "no_loss_scaler": -8.0,
        "nonfinite_at_first_row": -1.0,
        "one_row_jump": -1.0,
        "half_gradient_overflowed": 8.0,
    },
    remedies=_remedies,
    trials=("float32",),
)
