"""A term of the loss became infinite: a log of 0, a division by 0, an overflowing exponential.

## What happens
log 0, 1/0, exp beyond 88.7 in float32 (11.1 in float16): the result is infinity, and the next
subtraction or product makes NaN of it. Training drives there by itself: a classifier that grows
more certain takes a probability to 0, a rate exp(x) outgrows the range. `log(p + 1e-8)` is no guard
in float16, where 1e-8 is 0.

## How it looks in a log
The first non-finite loss is an infinity, or the loss rises for some rows as a logarithm approaches
0; the gradient norm fails in the same row.

## How it looks from inside
Batch and weights are finite; the first tensor that is not holds infinities and no NaN, and leaves
log, exp, div, reciprocal or their variants. `watch` tells which: log_of_zero, division_by_zero or
exponential_overflow.

## What it is confused with
An overflow of activations that grew: there gradients and losses grow by orders of magnitude first.
Infinity in a batch: a check of the batch settles it. A CTC target that does not fit its input.

## Sources
PyTorch documentation, BCEWithLogitsLoss and torch.logsumexp (why the fused forms are stable).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Use the fused, stable form: log_softmax, logsigmoid, binary_cross_entropy_with_logits, "
        "logsumexp, softplus",
        "log_p = torch.nn.functional.log_softmax(logits, dim=-1)",
        None,
        "PyTorch documentation, BCEWithLogitsLoss",
    )
    yield Remedy(
        "Where there is no fused form, keep the argument inside its range: above 0 for a "
        "logarithm or "
        "a divisor (1e-7 in float32, 1e-4 in float16), below 80 for an exponential",
        "y = torch.log(p.clamp_min(1e-7))\nrate = torch.exp(x.clamp(max=20.0))",
        None,
        "PyTorch documentation, torch.clamp",
    )
    yield advice.localise(finding)
    yield advice.resume_before(finding)
    yield prevention.guard_operations()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="a term of the loss became infinite (log 0, x/0 or an exponential that overflows)",
    prior=-4.8,
    weights={
        "other_predictions_fine": 1.0,
        "nan_passed": 1.5,
        "nan_step_skipped": 2.5,
        "infinite_before_nan": 3.2,
        "sudden_nonfinite": 3.5,
        "probability_saturated": 3.0,
        "failed_together": 0.4,
        "undefined_operation_said": 3.5,
        "nonfinite_at_first_row": 1.5,
        "nonfinite_after_first_row": 1.0,
        "gradient_failed_first": -1.0,
        "gradient_ramp": -1.0,
        "loss_ramp": -1.0,
        "loss_climbed": -1.0,
        "huge_gradient_before_nan": -1.5,
        "square_law": -3.0,
        "one_row_jump": -2.5,
        "blow_up_from_start": -2.0,
        "nan_in_data": -4.0,
        "infinite_ctc": -2.0,
        "variance_collapsed": -0.5,
        "nan_left_no_trace": -1.0,
        "nonfinite_on_resume": -1.5,
        "only_some_parts_failed": 2.0,
        "flat_gradient": 0.3,
        "floorless_fall": -0.5,
        "scale_fell_beside_nan": -0.5,
    },
    remedies=_remedies,
    trials=("guard_log", "guard_exponential"),
)
