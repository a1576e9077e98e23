"""The same bad sample comes back in every epoch.

## What happens
A corrupt record, a wrong label or a broken shard is read once per epoch. Each time the loss of that
batch jumps, and the run recovers if its optimizer lets it.

## How it looks
Spikes at a fixed distance: the data are not shuffled, and the distance is the number of steps in an
epoch. Or one spike per epoch at a changing place: one sample in a shuffled set. The peaks have much
the same height each time.

## What it is confused with
Learning-rate restarts: periodic too, but each spike follows a jump of the learning rate.
Random heavy tails: irregular distances, several in one epoch and none in the next.

## Sources
PyTorch documentation, torch.utils.data (a sampler decides the order, shuffle=False repeats it).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _position(finding: Finding) -> str:
    period = finding.value("fixed_period", "period")
    phase = finding.value("fixed_period", "phase")
    if period is None or phase is None:
        return (
            "Log the sample indices of each batch and intersect those of the spikes: the sample "
            "common to all is the bad one; drop or repair it"
        )
    return (
        f"Inspect batch {phase:.0f} of each {period:.0f}-step epoch (counted from step 0): the "
        "data are not shuffled, so it holds the same samples each time; drop or repair them"
    )


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        _position(finding),
        "dataset = torch.utils.data.Subset(dataset, [i for i in "
        "range(len(dataset)) if i not in bad])",
        None,
        "PyTorch documentation, torch.utils.data.Subset",
    )
    yield advice.robust_loss()
    yield advice.clip_gradients(finding)


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="the same bad sample or shard comes back in every epoch",
    prior=-5.0,
    weights={
        "gradient_calm_at_spike": -1.0,
        "one_row_jump": 2.0,
        "fixed_period": 7.5,
        "once_per_epoch": 6.8,
        "equal_heights": 1.0,
        "sharp_spike": 2.0,
        "nan_left_no_trace": 1.5,
        "gradient_only_spike": 0.5,
        "spikes_follow_rate": -9.0,
        "irregular_spikes": -3.0,
        "nonfinite_at_first_row": -6.0,
        "slow_recovery": -1.0,
        "gradient_ramp": -1.0,
        "sudden_nonfinite": -1.0,
    },
    remedies=_remedies,
)
