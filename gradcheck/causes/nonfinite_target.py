"""The targets of a batch hold NaN or infinity.

## What happens
A label is missing and was read as NaN, the logarithm of a target of 0 was taken, two tables were
joined and some rows found no partner. Inputs and outputs are sound, but every loss with that target
is NaN, and so is its gradient. Multiplying by a mask does not help: 0 times NaN is NaN.

## How it looks in a log
A healthy run, then loss and gradient norm NaN in the same row, and NaN for good.

## How it looks from inside
Inputs, weights and outputs are finite; the first tensor that is not is part of the batch, and only
the loss reads it.

## What it is confused with
Inputs that are not finite: then the outputs are not either. A batch without any target that counts:
its gradient is 0, and the next row is normal.

## Sources
PyTorch documentation, torch.where and torch.isfinite; PyTorch issue 23395 (0 times NaN in the
gradient of `where`).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Leave missing targets out before the arithmetic, by indexing: a product with a mask keeps "
        "the NaN",
        "known = torch.isfinite(y)\n"
        "loss = torch.nn.functional.mse_loss(prediction[known], y[known])",
        None,
        "PyTorch issue 23395 (0 times NaN is NaN, also in the gradient)",
        change="mask_targets",
    )
    if known := advice.look_at_samples(finding):
        yield known
    yield advice.check_batches(finding)
    yield Remedy(
        "Find the samples in the data set: a join that found no partner, a logarithm of 0, an "
        "empty cell",
        "bad = [i for i, (_, y) in enumerate(dataset) if not torch.isfinite(y).all()]",
        None,
        "PyTorch documentation, torch.isfinite",
    )
    yield advice.skip_batch(finding)
    yield advice.resume_before(finding)
    yield prevention.assert_on_batches()


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="the targets of a batch hold NaN or infinity",
    prior=-7.0,
    weights={"target_nonfinite": 9.5, "nan_in_data": 1.5},
    remedies=_remedies,
    trials=("without_samples", "mask_targets", "skip_nonfinite"),
    instead_of=(
        "nonfinite_input_or_target",
        "nonfinite_from_the_start",
        "recurring_bad_batch",
    ),
)
