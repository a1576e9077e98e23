"""An activation exceeds 65504, the largest float16 number.

## What happens
Weights or activations outgrow float16 in the forward pass. The overflow becomes infinity, then NaN
in the next softmax or normalisation. The loss scaler halves its scale at every step, in vain: the
scale is not what overflows.

## How it looks in a log
The loss turns NaN, with no growth of the gradient norm, and the loss scale is halved every row.

## How it looks from inside
Batch and weights are finite; the first tensor that is not is a float16 activation with infinities,
and its values in the steps before came near 65504.

## What it is confused with
A loss scale that collapses because the scaled gradients overflow: there the loss stays finite.
One NaN batch: the scaler skips that step once and the run goes on.

## Sources
PyTorch documentation, Automatic Mixed Precision; transformers issue 11461 (T5 in float16).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield advice.prefer_bfloat16(finding)
    yield advice.part_in_float32(finding)
    yield advice.resume_before(finding)


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="an activation overflowed float16 in the forward pass",
    weights={
        "half_precision_configured": 1.5,
        "nan_step_skipped": 2.5,
        "scale_fell_beside_nan": 5.0,
        "loss_scaler_active": 1.5,
        "scale_fell_first": 1.0,
        "sudden_nonfinite": 1.5,
        "nonfinite_at_first_row": 1.5,
        "nonfinite_after_first_row": 1.0,
        "gradient_failed_first": 0.5,
        "updates_not_applied": 1.5,
        "only_validation_failed": 1.5,
        "scale_fell_beside_finite_loss": 0.5,
        "flat_gradient": 0.5,
        "no_loss_scaler": -6.0,
        "gradient_ramp": -1.0,
        "loss_ramp": -1.5,
        "loss_climbed": -2.0,
        "nan_left_no_trace": -2.0,
        "huge_gradient_before_nan": -1.0,
        "one_row_jump": -2.0,
        "half_overflowed": 9.0,
        "half_gradient_overflowed": 5.0,
    },
    remedies=_remedies,
    trials=("float32",),
)
