"""The learning rate is too high for the curvature of the loss.

## What happens
A gradient step of length η multiplies the error along a direction of curvature λ by 1 - ηλ. Beyond
η = 2/λ that factor exceeds 1 in size: each step overshoots further than the last. Weights and
gradients grow geometrically, then faster, because the curvature of a deep network grows with its
weights, until something overflows. Optimizers with bounded steps (Adam, sign, clipped) cannot grow
geometrically: they jump within the first steps and stay on a high plateau.

## How it looks in a log
Trouble within the first steps, or within some ten steps of reaching the peak rate. Loss and
gradient norm rise over several rows; in the simplest case the loss ratio from row to row is the
square of the gradient's. The first loss is an ordinary number.

## How it looks from inside
No tensor is non-finite until something overflows: weights, then activations of the last layers or a
squared error. Updates are more than a hundredth of the weights from the first step on. `watch`
separates undivided_accumulation and misplaced_clipping from it.

## What it is confused with
An outlier batch: one jump out of the blue, where a ramp may follow but does not precede.
Poor initialisation or unscaled features: the first loss is already enormous.
A forgotten zero_grad: the gradient norm climbs along a straight line.

## Sources
Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability;
Google Research, Deep Learning Tuning Playbook.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield advice.lower_learning_rate(finding)
    yield advice.warm_up(finding)
    yield advice.clip_gradients(finding)
    yield advice.resume_before(finding)
    yield prevention.clip_by_norm()
    yield prevention.keep_checkpoints(finding)


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="the learning rate is too high: every step overshoots further than the last",
    weights={
        "gradient_jumped_too": -1.0,
        "only_some_parts_failed": -2.0,
        "hump_then_flat": 5.5,
        "impossible_sign": -4.0,
        "nonfinite_on_resume": -4.0,
        "spikes_from_negative": -2.0,
        "calm_before": -2.0,
        "monotone_rise": 0.5,
        "blow_up_from_start": 4.5,
        "gradient_ramp": 3.5,
        "loss_ramp": 3.5,
        "loss_climbed": 3.5,
        "square_law": 3.5,
        "huge_gradient_before_nan": 1.9,
        "frozen_high": 1.5,
        "gradient_led_loss": 1.0,
        "gradient_rose_before": 1.0,
        "rate_at_peak": -1.5,
        "rate_constant": 1.0,
        "nonfinite_after_first_row": 2.0,
        "slow_recovery": 1.5,
        "learned_anew": -3.0,
        "ordinary_first_loss": 0.5,
        "scale_fell_beside_finite_loss": 1.0,
        "rate_raised_at_onset": -1.0,
        "rate_past_peak": -1.5,
        "nonfinite_at_first_row": -8.0,
        "sudden_nonfinite": -2.0,
        "one_row_jump": -3.0,
        "flat_gradient": -1.5,
        "gradient_failed_first": -5.0,
        "finite_gradient_beside_nan": -2.0,
        "nan_left_no_trace": -3.0,
        "sharp_spike": -2.0,
        "gradients_add_up": -3.0,
        "fixed_period": -3.0,
        "once_per_epoch": -3.0,
        "huge_first_loss": -3.0,
        "huge_first_gradient": -1.5,
        "floorless_fall": -3.0,
        "floorless_with_gradient": -1.5,
        "only_validation_failed": -4.0,
        "log_clamp_values": -6.0,
        "hidden_by_logger": -1.0,
        "update_too_long": 4.0,
        "float_overflowed": 2.0,
        "update_made_nonfinite": 3.0,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "exponential_overflowed": -8.0,
        "gradients_kept": -8.0,
        "clipped_too_late": -7.0,
        "clipped_nothing": -7.0,
        "clipped_too_early": -7.0,
        "accumulated_undivided": -7.0,
        "update_climbs": -8.0,
        "activations_grow_with_depth": -4.0,
        "inputs_far_from_unit": -2.0,
        "targets_far_from_unit": -2.0,
        "batch_stands_out": -5.0,
        "target_stands_out": -5.0,
        "recurrence_grows": -7.0,
        "moment_lagged": -2.0,
        "weights_written_outside": -2.0,
        "gradient_beyond_reason": -4.0,
        "spikes_return": -4.0,
        "batch_alone_spikes": -5.0,
        "batches_spike_anyway": -3.0,
        "earlier_weights_calm": 1.0,
        "calm_at_lower_rate": 3.0,
        "loss_negated": -2.0,
        "loss_partly_negated": -1.0,
        "moments_lost": -3.0,
        "optimizer_began_anew": -3.0,
    },
    remedies=_remedies,
    trials=("lower_learning_rate",),
)
