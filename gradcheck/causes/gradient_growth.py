"""Gradients grew over many steps, for a reason that this log does not separate.

## What happens
Sharpness, attention logits, recurrent gain, shrinking scale-invariant weights or a stale second
moment let the gradients grow slowly until an update is too long. The mechanisms share one picture
in a log of global numbers; per-layer norms tell them apart.

## How it looks in a log
The gradient norm rises for tens to thousands of rows, often while the loss still looks fine;
spikes that get more frequent or need many rows to recover; then divergence.

## How it looks from inside
No tensor is non-finite until the end. One layer's gradient grows first and fastest: recurrent
weights whose spectral radius passes 1, query and key projections whose logits grow, an embedding,
an output layer, weights that weight decay has made small. `watch` separates recurrent_growth,
stale_second_moment, misplaced_clipping, undivided_accumulation and missing_zero_grad from it.

## What it is confused with
A learning rate that is too high: it fails soon, not after a long growth.
An outlier batch: one row, with nothing before it.
A forgotten zero_grad: a straight line from the first row on.

## Sources
BigScience tr11 chronicles (gradient norm led the loss by 4 to 5 steps); Wortsman et al. 2023;
Pascanu et al. 2013.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield advice.clip_gradients(finding)
    yield advice.lower_learning_rate(finding)
    yield from advice.lower_beta2(finding)
    yield advice.log_norms(finding)
    yield advice.resume_before(finding)
    yield from advice.raise_epsilon(finding)
    yield prevention.spare_from_decay(finding)
    yield prevention.scale_residuals()
    yield prevention.clip_by_norm()


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="the gradients grew over many steps until an update was too long",
    weights={
        "ratio_left_range": -2.0,
        "policy_moved_first": -2.0,
        "gradient_jumped_too": -2.0,
        "monotone_rise": -3.0,
        "nonfinite_on_resume": -4.0,
        "impossible_sign": -4.0,
        "calm_before": -0.5,
        "spikes_from_negative": -1.5,
        "slow_gradient_growth": 5.0,
        "gradient_ramp": 2.5,
        "loss_ramp": 2.0,
        "loss_climbed": 3.0,
        "slow_recovery": 2.5,
        "learned_anew": -3.0,
        "task_changed_at_onset": 1.5,
        "irregular_spikes": 2.0,
        "gradient_only_spike": 1.5,
        "gradient_led_loss": 1.5,
        "gradient_rose_before": 2.0,
        "huge_gradient_before_nan": 1.5,
        "rate_past_peak": 1.0,
        "rate_constant": 0.3,
        "blow_up_from_start": -1.0,
        "sudden_nonfinite": -2.5,
        "one_row_jump": -3.0,
        "nonfinite_at_first_row": -8.0,
        "nonfinite_after_first_row": -2.5,
        "gradients_add_up": -2.0,
        "huge_first_loss": -1.0,
        "gradient_failed_first": -4.0,
        "flat_gradient": -2.0,
        "nan_left_no_trace": -3.0,
        "sharp_spike": -2.0,
        "fixed_period": -2.0,
        "once_per_epoch": -2.0,
        "only_validation_failed": -4.0,
        "rate_raised_at_onset": -1.0,
        "floorless_fall": -2.0,
        "floorless_with_gradient": -1.5,
        "log_clamp_values": -5.0,
        "float_overflowed": 2.0,
        "update_made_nonfinite": 1.5,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "exponential_overflowed": -8.0,
        "gradients_kept": -6.0,
        "clipped_too_late": -6.0,
        "clipped_nothing": -6.0,
        "clipped_too_early": -6.0,
        "accumulated_undivided": -6.0,
        "update_climbs": -6.0,
        "activations_grow_with_depth": -4.0,
        "inputs_far_from_unit": -2.0,
        "targets_far_from_unit": -2.0,
        "batch_stands_out": -5.0,
        "target_stands_out": -5.0,
        "recurrence_grows": -7.0,
        "moment_lagged": -4.0,
        "weights_written_outside": -2.0,
        "spikes_return": -3.0,
        "batch_alone_spikes": -4.0,
        "batches_spike_anyway": -1.0,
        "earlier_weights_calm": 1.0,
        "calm_at_lower_rate": 1.5,
        "loss_negated": -2.0,
        "loss_partly_negated": -1.0,
    },
    remedies=_remedies,
    trials=("lower_learning_rate", "clip_gradients"),
)
