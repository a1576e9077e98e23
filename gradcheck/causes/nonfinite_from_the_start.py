"""The run is non-finite from its first row: no update of this run can be the cause.

## What happens
A loaded checkpoint, buffer or optimizer state is already NaN; or the first batch is, or an
operation is undefined at initialisation. The learning rate is not: nothing has been updated yet.

## How it looks in a log
NaN in the first row of the log. After a resume (the log begins at a late step) the checkpoint is
the first suspect; at step 0 the data and the operations are as likely.

## How it looks from inside
A weight, a buffer or a moment of the optimizer is not finite before the first forward pass. Where
`watch` sees that all of these are finite, it names the batch (nonfinite_input, nonfinite_target) or
the operation instead.

## What it is confused with
NaN in the second row: the first update may have done that, so the learning rate is possible.

## Sources
PyTorch documentation, Saving and loading models.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Check the loaded weights and buffers before training",
        "bad = [n for n, t in model.state_dict().items() if t.is_floating_point() "
        "and not torch.isfinite(t).all()]\nassert not bad, bad",
        None,
        "PyTorch documentation, torch.isfinite",
    )
    yield advice.check_batches(finding)
    yield advice.localise(finding)
    yield prevention.keep_checkpoints(finding)


CAUSE = Cause(
    family=Family.CORRUPTED_STATE,
    summary="the run was non-finite before its first update",
    weights={
        "only_some_parts_failed": -2.5,
        "scale_fell_beside_nan": 1.5,
        "nonfinite_on_resume": 7.0,
        "nonfinite_at_first_row": 4.6,
        "log_starts_late": 2.5,
        "sudden_nonfinite": -8.0,
        "nonfinite_after_first_row": 1.0,
        "gradient_failed_first": -1.0,
        "weight_nonfinite": 6.5,
        "moment_nonfinite": 6.5,
        "buffer_nonfinite": 0.0,
    },
    remedies=_remedies,
)
