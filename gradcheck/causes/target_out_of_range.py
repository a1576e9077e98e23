"""A target lies outside of what the loss is defined for.

## What happens
Binary cross-entropy takes targets in [0, 1]: masks of 0 and 255 make it negative and without a
floor. CTC needs an input at least as long as its target and its repeats: otherwise no path exists,
its probability is 0 and the loss infinite. A duration of -1 that stands for "unknown" has no
logarithm. Class indices out of range crash.

## How it looks in a log
A loss of a kind that cannot be negative falls below 0, as a straight line, or is far below it from
one row to the next. A CTC loss is infinite in one row, then NaN.

## How it looks from inside
Inputs and outputs are finite; targets lie outside of [0, 1], a target sequence is longer than its
input, or an operation that only targets enter is undefined for one of them.

## What it is confused with
An unbounded likelihood: negative too, and legitimately so; the name of the loss tells.

## Sources
PyTorch documentation, BCEWithLogitsLoss and CTCLoss (zero_infinity).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    if finding.clues.keys() & {"infinite_ctc", "ctc_did_not_fit"}:
        yield Remedy(
            "Drop samples whose target, with its repeats, is longer than the input after "
            "subsampling; meanwhile let CTC give them zero weight",
            "loss = torch.nn.CTCLoss(zero_infinity=True)(log_probs, y, input_lengths, y_lengths)",
            None,
            "PyTorch documentation, CTCLoss",
            change="ctc_zero_infinity",
        )
    else:
        yield Remedy(
            "Bring the targets into the range of the loss, for instance divide masks by 255",
            "target = target / 255.0\nassert 0 <= target.min() and target.max() <= 1",
            None,
            "PyTorch documentation, BCEWithLogitsLoss",
        )
    if finding.case.failed:
        yield advice.resume_before(finding)


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="a target lies outside of what the loss is defined for",
    weights={
        "target_left_domain": 12.0,
        "targets_in_range": -3.0,
        "negative_at_once": 4.0,
        "one_row_jump": -2.5,
        "negative_from_first_row": -1.0,
        "loss_climbed": 0.0,
        "critic_without_bound": -4.0,
        "floorless_fall": 1.5,
        "nan_step_skipped": 1.0,
        "impossible_sign": 9.0,
        "device_assert_said": 3.0,
        "no_alignment_said": 8.0,
        "infinite_ctc": 6.5,
        "infinite_before_nan": 2.5,
        "sudden_nonfinite": 1.0,
        "failed_together": 0.5,
        "fell_without_floor": 2.0,
        "gradient_failed_first": -3.0,
        "gradient_ramp": -2.0,
        "loss_ramp": -2.0,
        "nonfinite_at_first_row": 1.0,
        "ctc_did_not_fit": 12.0,
        "probability_outside_range": 12.0,
        "batch_alone_spikes": 1.0,
        "batches_spike_anyway": 0.5,
        "earlier_weights_calm": -4.0,
    },
    remedies=_remedies,
    trials=("clamp_indices", "ctc_zero_infinity", "skip_nonfinite"),
    prior=-5.0,
)
