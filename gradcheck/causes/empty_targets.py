"""A batch has no target to average over.

## What happens
Cross-entropy with `ignore_index`, or any masked mean, divides by the number of targets that count.
A batch in which all are ignored (truncated prompts, padding only, no positive boxes) gives 0/0. Its
gradient is exactly 0, so the weights are not touched.

## How it looks in a log
An isolated NaN loss with a gradient norm of 0 or an ordinary one, and a normal next row. An epoch
mean that contains it is NaN.

## How it looks from inside
Batch, weights and outputs are finite; the loss is the first tensor that is not, and the number of
targets that count is 0. The gradients are exactly 0.

## What it is confused with
A NaN in the batch: there the weights are poisoned and the loss stays NaN, unless a loss scaler
skipped the step.

## Sources
PyTorch issue 70348 (by design since 1.11).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Divide by the number of targets that count, at least 1",
        "loss = torch.nn.functional.cross_entropy(logits, y, ignore_index=-100, "
        "reduction='sum')\nloss = loss / (y != -100).sum().clamp_min(1)",
        None,
        "PyTorch issue 70348",
        change="guard_empty_mean",
    )
    yield Remedy(
        "Drop samples whose targets are all ignored when the data set is built "
        "(prompts cut at the maximum length, images without boxes)",
        None,
        None,
        "PyTorch issue 70348",
    )


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="a batch has no target that counts, so that its mean is 0/0",
    prior=-4.5,
    weights={
        "nan_passed": 4.0,
        "infinite_before_nan": -4.0,
        "nan_step_skipped": -3.0,
        "no_targets": 9.0,
        "nan_left_no_trace": 4.0,
        "zero_gradient_beside_nan": 4.0,
        "finite_gradient_beside_nan": 1.0,
        "fixed_period": 0.0,
        "loss_scaler_active": -1.5,
        "gradient_failed_first": -4.0,
        "sudden_nonfinite": -3.0,
        "nonfinite_at_first_row": -3.0,
        "gradient_ramp": -3.0,
        "one_row_jump": -3.0,
        "no_target_counted": 14.0,
    },
    remedies=_remedies,
    trials=("guard_empty_mean", "guard_division", "skip_batch"),
)
