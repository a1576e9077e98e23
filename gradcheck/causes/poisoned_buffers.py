"""Running statistics are NaN although the weights are fine.

## What happens
A bad batch passes through BatchNorm in training mode before its step is skipped: the weights
survive, the running mean and variance do not. Training uses the batch's own statistics and looks
healthy; evaluation uses the buffers.

## How it looks in a log
The validation loss turns NaN for good while the training loss stays finite.

## How it looks from inside
All parameters are finite; `running_mean` or `running_var` is not.

## What it is confused with
A NaN in the validation data, or an evaluation in half precision: those are broken from the first
evaluation on.

## Sources
PyTorch issue 90342; PyTorch documentation, BatchNorm1d (running statistics).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Find the poisoned buffers and recompute them over clean data",
        "for m in model.modules():\n    if isinstance(m, "
        "torch.nn.modules.batchnorm._BatchNorm):\n        m.reset_running_stats()",
        None,
        "PyTorch documentation, BatchNorm1d",
    )
    yield Remedy(
        "Test a batch before it goes through the model, not the loss after it",
        "if not torch.isfinite(x).all():\n    continue",
        None,
        "PyTorch issue 90342",
        change="repair_buffers",
    )
    yield Remedy("Run the evaluation once in float32, and check the validation data for NaN")


CAUSE = Cause(
    family=Family.CORRUPTED_STATE,
    summary="running statistics (BatchNorm buffers) are non-finite although the weights are fine",
    prior=-4.5,
    weights={
        "nan_batch_before": 4.0,
        "all_predictions_failed": 3.0,
        "only_validation_failed": 3.2,
        "other_predictions_fine": -6.0,
        "validation_never_worked": -1.5,
        "validation_was_fine": 3.0,
        "nan_left_no_trace": 0.5,
        "sudden_nonfinite": -3.0,
        "nonfinite_at_first_row": -3.0,
        "buffer_nonfinite": 11.0,
    },
    remedies=_remedies,
    trials=("repair_buffers", "skip_batch"),
)
