"""The last batch of an epoch is too small for an operation that needs several samples.

## What happens
When the size of the data set is no multiple of the batch size, the last batch is smaller, at worst
one sample: an unbiased standard deviation of one value is 0/0, BatchNorm refuses or normalises by
0, an advantage is divided by nothing.

## How it looks in a log
Healthy rows, then NaN in the very last step of an epoch.

## How it looks from inside
The batch is finite and has one row; the first non-finite tensor leaves `std` or `var`.

## What it is confused with
NaN in a batch or an undefined operation: they fall on the last step of an epoch only by chance, one
in as many as an epoch has steps.

## Sources
PyTorch documentation, DataLoader (drop_last) and torch.std (correction).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Drop the last, smaller batch of each epoch",
        "loader = torch.utils.data.DataLoader(dataset, batch_size=batch_size, drop_last=True)",
        None,
        "PyTorch documentation, torch.utils.data.DataLoader",
        change="drop_small_batches",
    )
    yield Remedy(
        "Or make the operation safe for one sample",
        "z = (x - x.mean(0)) / (x.std(0, correction=0) + 1e-6)",
        None,
        "PyTorch documentation, torch.std (correction)",
    )
    yield advice.resume_before(finding)


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="the last, smaller batch of an epoch broke an operation that needs several samples",
    prior=-5.5,
    weights={
        "nan_passed": 1.5,
        "nan_step_skipped": 1.5,
        "at_epoch_end": 6.0,
        "spikes_end_epochs": 9.0,
        "sudden_nonfinite": 1.5,
        "failed_together": 0.4,
        "gradient_failed_first": 0.0,
        "nan_left_no_trace": 0.5,
        "fixed_period": 1.0,
        "gradient_ramp": -3.0,
        "loss_ramp": -3.0,
        "loss_climbed": -3.0,
        "nonfinite_at_first_row": -3.0,
        "one_row_jump": -2.0,
        "nan_in_data": -3.0,
        "statistic_of_one": 14.0,
        "one_value_to_normalise": 14.0,
        "batch_alone_spikes": 2.0,
        "earlier_weights_calm": -4.0,
        "batch_shrank": 1.5,
    },
    remedies=_remedies,
    trials=("drop_small_batches", "skip_batch"),
)
