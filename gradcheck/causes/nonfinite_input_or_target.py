"""A batch holds NaN or infinity, in its inputs or its targets.

## What happens
One non-finite number in a batch makes the loss NaN, and the gradient of every parameter with it;
after one optimizer step all weights are NaN. A loss scaler would skip that step.

## How it looks in a log
A healthy run, then loss and gradient norm NaN in the same row, and NaN for good.

## How it looks from inside
The first tensor that is not finite is the batch: an input, or a target (then inputs and outputs are
finite and the loss is not). `watch` tells the two apart: nonfinite_input and nonfinite_target.

## What it is confused with
An undefined operation: the same in a log, unless the gradient fails in a row whose loss is finite
(then it is the operation) or the loss turns infinite first. A check of the batch itself settles it.
Exploding gradients: there finite numbers grow first.

## Sources
PyTorch documentation, torch.isfinite.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield advice.check_batches(finding)
    yield advice.localise(finding)
    yield advice.skip_batch(finding)
    yield advice.resume_before(finding)
    yield prevention.assert_on_batches()
    yield prevention.keep_checkpoints(finding)


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="a batch holds NaN or infinity in its inputs or targets",
    weights={
        "nan_passed": 3.8,
        "nan_step_skipped": 4.5,
        "no_targets": -2.0,
        "only_some_parts_failed": -0.5,
        "variance_collapsed": -2.0,
        "probability_saturated": -2.0,
        "nan_in_data": 6.0,
        "infinite_ctc": -1.0,
        "nonfinite_on_resume": 0.5,
        "sudden_nonfinite": 5.0,
        "nonfinite_at_first_row": 4.2,
        "nonfinite_after_first_row": 3.5,
        "failed_together": 0.5,
        "flat_gradient": 0.5,
        "all_predictions_failed": -3.0,
        "only_validation_failed": 3.0,
        "other_predictions_fine": 0.5,
        "validation_never_worked": 1.0,
        "hidden_by_logger": 1.0,
        "gradient_failed_first": -5.0,
        "finite_gradient_beside_nan": -1.0,
        "infinite_before_nan": -0.5,
        "gradient_rose_before": -1.0,
        "task_changed_at_onset": -0.5,
        "gradient_ramp": -3.0,
        "loss_ramp": -3.0,
        "loss_climbed": -3.0,
        "slow_gradient_growth": -1.5,
        "huge_gradient_before_nan": -4.0,
        "square_law": -4.0,
        "one_row_jump": -2.5,
        "blow_up_from_start": -3.0,
        "nan_left_no_trace": -1.0,
        "scale_fell_beside_nan": -2.0,
        "scale_fell_first": -1.0,
        "validation_was_fine": -2.0,
        "floorless_fall": -1.5,
        "huge_first_loss": -1.0,
        "gradients_add_up": -1.0,
    },
    remedies=_remedies,
    trials=("replace_nonfinite_inputs", "mask_targets", "skip_nonfinite"),
)
