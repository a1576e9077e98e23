"""The losses of several batches are added up and not averaged.

## What happens
`backward` adds to `.grad`. Over N micro-batches the sum is N times the gradient of their mean, and
one step of plain SGD is as long as one at N times the learning rate: what was stable for one batch
overshoots for eight. Adam hides the factor, clipping turns it into a threshold that always acts.

## How it looks in a log
The gradient norm is N times that of a run without accumulation from the first row on, and the run
diverges as with a learning rate that is too high.

## How it looks from inside
The same line calls backward N times between two steps, and none of these losses was divided by
anything.

## What it is confused with
A learning rate that is too high: a tenth of it cures both, but only the division keeps the run the
same when N changes. A forgotten zero_grad: there the sum never ends.

## Sources
PyTorch documentation, gradient accumulation; transformers issue 34191 (losses that were summed over
micro-batches).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    count = finding.value("accumulated_undivided", "count")
    batches = f"{count:.0f}" if count else "number_of_batches"
    yield Remedy(
        "Divide each loss by the number of micro-batches before backward, or by their tokens "
        "together where their lengths differ",
        f"(loss / {batches}).backward()\n"
        f"if (step + 1) % {batches} == 0:\n"
        "    optimizer.step()\n"
        "    optimizer.zero_grad(set_to_none=True)",
        None,
        "PyTorch documentation, gradient accumulation",
        change="average_accumulated",
    )
    yield Remedy(
        "Or keep the sum and divide the learning rate by the same number, with plain SGD only",
        f"for group in optimizer.param_groups:\n    group['lr'] /= {batches}",
        None,
        "Goyal et al. 2017, Accurate, large minibatch SGD",
    )
    yield advice.clip_gradients(finding)
    if finding.case.failed:
        yield advice.resume_before(finding)


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="losses of several batches are added up and not averaged, so that updates are too long",
    prior=-7.0,
    weights={
        "accumulated_undivided": 9.0,
        "blow_up_from_start": 1.5,
        "gradient_ramp": 1.5,
        "loss_ramp": 1.5,
        "loss_climbed": 1.5,
        "square_law": 1.5,
        "huge_gradient_before_nan": 1.5,
        "hump_then_flat": 1.5,
        "frozen_high": 1.0,
        "slow_recovery": 1.0,
        "update_too_long": 1.5,
        "float_overflowed": 1.5,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 1.0,
        "exponential_overflowed": -8.0,
        "update_made_nonfinite": 0.0,
        "recurrence_grows": -2.0,
        "batch_stands_out": -3.0,
        "target_stands_out": -3.0,
        "sudden_nonfinite": -4.0,
        "gradient_failed_first": -4.0,
        "nonfinite_at_first_row": -8.0,
        "nan_left_no_trace": -4.0,
        "huge_first_loss": -3.0,
        "one_row_jump": -3.0,
        "flat_from_start": -5.0,
        "rate_collapsed": -4.0,
        "rate_raised_at_onset": -3.0,
        "only_validation_failed": -4.0,
        "batch_alone_spikes": -5.0,
        "batches_spike_anyway": -2.0,
        "calm_at_lower_rate": 1.5,
    },
    remedies=_remedies,
    trials=("average_accumulated",),
)
