"""The inputs of a batch hold NaN or infinity.

## What happens
A missing value that was read as NaN, a feature that was divided by a deviation of 0, a corrupt
record: one such number makes every output of its sample NaN, the loss NaN, and the gradient of
every parameter with it. After the next step all weights are.

## How it looks in a log
A healthy run, then loss and gradient norm NaN in the same row, and NaN for good. A log cannot tell
it from a bad target or an undefined operation.

## How it looks from inside
The first tensor that is not finite is part of the batch, and the model reads it. `watch` names the
samples.

## What it is confused with
A target that is not finite: then inputs and outputs are finite and the loss is not. Damaged
weights: then every batch fails.

## Sources
PyTorch documentation, torch.isfinite; pandas documentation, Working with missing data.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    if known := advice.look_at_samples(finding):
        yield known
    yield advice.check_batches(finding)
    yield Remedy(
        "Find the samples in the data set, and drop them or fill them in with a statistic of the "
        "training split",
        "bad = [i for i, (x, _) in enumerate(dataset) if not torch.isfinite(x).all()]\n"
        "x = torch.where(torch.isfinite(x), x, train_median)",
        None,
        "pandas documentation, Working with missing data",
    )
    yield Remedy(
        "Where features are divided by a deviation, keep the divisor off 0: a constant column "
        "gives 0/0",
        "x = (x - mean) / std.clamp_min(1e-6)",
        None,
        "scikit-learn documentation, StandardScaler (a scale of 0 becomes 1)",
    )
    yield advice.skip_batch(finding)
    yield advice.resume_before(finding)
    yield prevention.assert_on_batches()


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="the inputs of a batch hold NaN or infinity",
    prior=-7.0,
    weights={"input_nonfinite": 9.5, "nan_in_data": 1.5},
    remedies=_remedies,
    trials=("without_samples", "replace_nonfinite_inputs", "skip_nonfinite"),
    instead_of=(
        "nonfinite_input_or_target",
        "nonfinite_from_the_start",
        "recurring_bad_batch",
    ),
)
