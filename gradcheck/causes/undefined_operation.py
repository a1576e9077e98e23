"""An operation is undefined at a value that training reached.

## What happens
Log of 0, division by 0, a softmax over nothing, the square root at 0: defined almost everywhere,
until a prediction, a mask or a norm lands on the one value where it is not. Some fail forward (the
loss is infinite or NaN), some only backward (√0, a norm at 0, the `where` trap: the loss is finite
and its gradient NaN).

## How it looks in a log
A healthy run, then NaN in one row. Backward-only forms are certain in a log that has both: the
gradient norm is NaN in a row whose loss is an ordinary number. A loss that turns infinite before
it turns NaN points to log 0 or an overflowing exponential.

## How it looks from inside
Batch and weights are finite; the first tensor that is not leaves a division, a power, a standard
deviation, a softmax over nothing or a normalisation. `watch` names the operation: log_of_zero,
division_by_zero, argument_out_of_domain, fully_masked_softmax, undefined_gradient,
partial_last_batch; what is left here is an operation that has no cause of its own.

## What it is confused with
NaN in a batch: loss and gradient fail in the same row too. A check after every module names the
operation.

## Sources
PyTorch issues 2775 (hand-written norms at 0) and 23395 (`where`).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _guards(finding: Finding) -> Iterable[Remedy]:
    if "gradient_failed_first" in finding.clues:
        yield Remedy(
            "Guard what is finite forward and infinite backward: √ and norms at 0, acos at ±1; "
            "mask the input of an operation, not its result",
            "y = torch.sqrt(x + 1e-12)\nsafe = torch.where(mask, x, 1.0)   # before the operation\n"
            "y = torch.where(mask, f(safe), 0.0)",
            None,
            "PyTorch issue 23395 (the branch not taken sends NaN back)",
        )
        return
    yield Remedy(
        "Use the fused, stable form: log_softmax, logsigmoid, binary_cross_entropy_with_logits, "
        "logsumexp, softplus; clamp before log and before dividing",
        "log_p = torch.nn.functional.log_softmax(logits, dim=-1)\n"
        "mean = total / count.clamp_min(1)",
        None,
        "PyTorch documentation, BCEWithLogitsLoss",
    )


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield from _guards(finding)
    yield advice.localise(finding)
    yield advice.resume_before(finding)
    yield prevention.guard_operations()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="an operation is undefined at a value that training reached (log 0, 0/0, √ "
    "at 0, an empty mask)",
    weights={
        "nan_passed": 3.6,
        "nan_step_skipped": 4.0,
        "no_targets": -1.0,
        "only_some_parts_failed": 2.0,
        "nan_in_data": -4.0,
        "variance_collapsed": -1.0,
        "probability_saturated": 1.0,
        "nonfinite_on_resume": -1.0,
        "impossible_sign": -1.0,
        "infinite_ctc": -1.5,
        "calm_before": 0.0,
        "undefined_operation_said": 6.0,
        "sudden_nonfinite": 4.9,
        "gradient_failed_first": 3.0,
        "updates_not_applied": -1.0,
        "nonfinite_at_first_row": 4.0,
        "nonfinite_after_first_row": 3.2,
        "infinite_before_nan": 1.5,
        "failed_together": 0.4,
        "flat_gradient": 0.5,
        "all_predictions_failed": -1.5,
        "only_validation_failed": 2.5,
        "other_predictions_fine": 1.0,
        "hidden_by_logger": 1.0,
        "finite_gradient_beside_nan": 0.5,
        "gradient_ramp": -2.5,
        "loss_ramp": -2.5,
        "loss_climbed": -2.0,
        "slow_gradient_growth": -0.5,
        "huge_gradient_before_nan": -3.0,
        "square_law": -3.0,
        "one_row_jump": -2.5,
        "blow_up_from_start": -3.0,
        "nan_left_no_trace": -2.0,
        "scale_fell_beside_finite_loss": -1.0,
        "validation_was_fine": -0.5,
        "floorless_fall": -1.0,
        "huge_first_loss": -1.0,
        "gradients_add_up": -1.0,
        "operation_undefined": 15.0,
        "update_made_nonfinite": 5.0,
    },
    remedies=_remedies,
    trials=("guard_division", "guard_log", "guard_sqrt", "guard_domain"),
)
