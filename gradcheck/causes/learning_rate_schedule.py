"""The schedule took the learning rate where the run could not follow.

## What happens
A rate that is stable at one point of training is not at another: a warm-up reaches a peak beyond
the stability limit, a step or a restart multiplies the rate at once, a resume forgets the
schedule. A schedule that is made for fewer steps than the run takes may go on below 0, where every
step climbs the loss. Adam's second moment still remembers smaller gradients, so the first steps
after a jump are too long.

## How it looks in a log
The onset coincides with a rise of the logged learning rate: within some ten rows of a jump, or at
the highest value reached so far, or with its fall below 0.

## How it looks from inside
No tensor is non-finite at first; the ratio of update to weight norm leaves its level in the step in
which the rate does.

## What it is confused with
A learning rate that is too high throughout: it fails at a constant rate.
A benign restart: the loss jumps with the rate and is back within a tenth of the cycle.

## Sources
BigScience tr8-104B chronicles; Google Research, Deep Learning Tuning Playbook.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy
from gradcheck.wording import number


def _ended(step: float) -> Remedy:
    return Remedy(
        f"Let the schedule end at 0, where it was at step {step:.0f}: give it as many steps as the "
        "run takes, or keep its factor from going below 0",
        "scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, "
        "factor(step)))",
        "pytorch",
        "PyTorch documentation, torch.optim.lr_scheduler.LambdaLR",
    )


def _gentler(finding: Finding) -> Remedy:
    before = finding.value("rate_raised_at_onset", "before")
    after = finding.value("rate_raised_at_onset", "after")
    if before is not None and after is not None:
        said = (
            f"Raise the learning rate from {number(before)} to {number(after)} over some hundred "
            "steps instead of at once, or to less"
        )
    else:
        peak = finding.value("rate_at_peak", "peak") or advice.settings_of(finding).learning_rate
        at = f" of {number(peak)}" if peak is not None else ""
        said = f"Halve the peak learning rate{at}, or reach it over twice as many steps"
    return Remedy(said, None, None, advice.PLAYBOOK)


def _remedies(finding: Finding) -> Iterable[Remedy]:
    ended = finding.value("rate_fell_below_zero", "step")
    if ended is not None:
        yield _ended(ended)
        return
    yield _gentler(finding)
    yield advice.warm_up(finding)
    yield advice.clip_gradients(finding)
    yield advice.resume_before(finding)
    yield from advice.lower_beta2(finding)
    yield prevention.keep_checkpoints(finding)


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="the schedule took the learning rate beyond what the run could follow",
    prior=-6.0,
    weights={
        "calm_before": -0.5,
        "impossible_sign": -4.0,
        "nonfinite_on_resume": -4.0,
        "spikes_from_negative": -2.0,
        "rate_raised_at_onset": 6.5,
        "rate_at_peak": 3.5,
        "rate_fell_below_zero": 16.0,
        "spikes_follow_rate": 6.0,
        "gradient_ramp": 3.5,
        "loss_ramp": 3.5,
        "loss_climbed": 3.5,
        "huge_gradient_before_nan": 1.5,
        "slow_recovery": 1.5,
        "frozen_high": 0.5,
        "gradient_led_loss": 0.5,
        "gradient_rose_before": 0.5,
        "task_changed_at_onset": -1.0,
        "rate_constant": -8.0,
        "rate_past_peak": -2.0,
        "blow_up_from_start": -1.5,
        "nonfinite_at_first_row": -8.0,
        "nonfinite_after_first_row": -2.0,
        "sudden_nonfinite": -2.0,
        "one_row_jump": -1.0,
        "flat_gradient": -1.0,
        "gradient_failed_first": -5.0,
        "nan_left_no_trace": -3.0,
        "sharp_spike": -2.0,
        "gradients_add_up": -3.0,
        "floorless_fall": -2.0,
        "only_validation_failed": -4.0,
        "huge_first_loss": -1.5,
        "log_clamp_values": -6.0,
        "update_too_long": 2.0,
        "float_overflowed": 2.0,
        "update_made_nonfinite": 2.0,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "exponential_overflowed": -8.0,
        "gradients_kept": -4.0,
        "clipped_too_late": -4.0,
        "clipped_nothing": -4.0,
        "clipped_too_early": -4.0,
        "accumulated_undivided": -4.0,
        "update_climbs": -4.0,
        "activations_grow_with_depth": -5.0,
        "inputs_far_from_unit": -2.0,
        "targets_far_from_unit": -2.0,
        "batch_stands_out": -4.0,
        "target_stands_out": -4.0,
        "recurrence_grows": -4.0,
        "moment_lagged": -1.0,
        "spikes_return": -4.0,
        "batch_alone_spikes": -5.0,
        "batches_spike_anyway": -3.0,
        "earlier_weights_calm": 0.5,
        "calm_at_lower_rate": 2.0,
        "moments_lost": -3.0,
        "optimizer_began_anew": -3.0,
    },
    remedies=_remedies,
    trials=("hold_learning_rate", "lower_learning_rate"),
)
