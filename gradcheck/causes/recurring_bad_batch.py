"""The same bad sample comes back in every epoch.

## What happens
A corrupt record, a wrong label or a broken shard is read once per epoch. Each time the loss of that
batch jumps, and the run recovers if its optimizer lets it.

## How it looks in a log
Spikes at a fixed distance: the data are not shuffled, and the distance is the number of steps in an
epoch. Or one spike per epoch at a changing place: one sample in a shuffled set. The peaks have much
the same height each time.

## How it looks from inside
The same sample index is in the batch of every spike.

## What it is confused with
Learning-rate restarts: periodic too, but each spike follows a jump of the learning rate.
Random heavy tails: irregular distances, several in one epoch and none in the next.

## Sources
PyTorch documentation, torch.utils.data (a sampler decides the order, shuffle=False repeats it).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _find_sample(finding: Finding) -> Remedy:
    if known := advice.look_at_samples(finding):
        return known
    period = finding.value("fixed_period", "period")
    phase = finding.value("fixed_period", "phase")
    if period is None or phase is None:
        return advice.log_batches(finding)
    settings = advice.settings_of(finding)
    samples = (settings.batch_size or 0) * (settings.accumulation or 1)
    there = f", around sample {phase * samples:.0f} on one device" if samples else ""
    return Remedy(
        f"Inspect batch {phase:.0f} of each {period:.0f}-step epoch (counted from step 0{there}): "
        "the data are not shuffled, so it holds the same samples each time; drop or repair them",
        advice.LEAVE_OUT,
        None,
        "PyTorch documentation, torch.utils.data (shuffle)",
    )


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield _find_sample(finding)
    yield advice.robust_loss()
    yield advice.clip_gradients(finding)
    yield prevention.assert_on_batches()


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="the same bad sample or shard comes back in every epoch",
    prior=-5.0,
    weights={
        "weights_written_outside": -4.0,
        "nan_passed": 1.5,
        "nan_step_skipped": 1.5,
        "gradient_calm_at_spike": -1.0,
        "one_row_jump": 1.5,
        "fixed_period": 7.5,
        "spikes_end_epochs": -3.0,
        "once_per_epoch": 6.8,
        "equal_heights": 1.0,
        "sharp_spike": 1.5,
        "nan_left_no_trace": 1.5,
        "gradient_only_spike": -1.5,
        "spikes_follow_rate": -9.0,
        "irregular_spikes": -3.0,
        "nonfinite_at_first_row": -6.0,
        "slow_recovery": -5.0,
        "learned_anew": -6.0,
        "task_changed_at_onset": -8.0,
        "gradient_ramp": -1.0,
        "sudden_nonfinite": -1.0,
        "batch_stands_out": 7.0,
        "sample_returns": 5.0,
        "target_stands_out": 7.0,
        "clipped_too_late": -6.0,
        "clipped_nothing": -6.0,
        "clipped_too_early": -6.0,
        "float_overflowed": 0.0,
        "gradient_beyond_reason": -5.0,
        "spikes_return": 4.0,
        "batch_alone_spikes": 2.0,
        "earlier_weights_calm": -8.0,
        "batch_ordinary": -1.0,
        "batch_shrank": -6.0,
    },
    remedies=_remedies,
    trials=("without_samples", "skip_onset", "skip_batch"),
)
