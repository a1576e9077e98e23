"""Adam's second moment does not keep up with the gradients.

## What happens
Adam divides by the root of a running mean of squared gradients, which remembers 1/(1-β2) steps: a
thousand for 0.999. When gradients grow faster than that (a rare feature or token, a new part of
the data, the end of a long calm), the divisor is too small and the update up to 6.6 times the
learning rate in every coordinate. When gradients shrink for long, the divisor decays until noise
makes full steps.

## How it looks in a log
A loss spike that follows the gradient's by 1 to 8 rows and needs many rows to come back, often
late and from a low level, with a gradient norm that had been small before.

## How it looks from inside
No tensor is non-finite. In one tensor, often an embedding, the mean of g²/max(v, ε²) exceeds 1 by
far at the step before the spike.

## What it is confused with
An outlier batch: loss and gradient jump in the same row and are back in the next one. A learning
rate that is too high: it fails soon after its peak. Growing gradients: a climb over many rows.

## Sources
Wortsman et al. 2023, Stable and low-precision training for large-scale vision-language models;
Molybog et al. 2023, A theory on Adam instability.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Lower β2 to 0.95 or 0.99, so that the second moment follows the gradients",
        "torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95))",
        None,
        "Wortsman et al. 2023, Stable and low-precision training",
    )
    yield Remedy(
        "Divide each tensor's step by max(1, RMS of g/√v) (StableAdamW), or clip per "
        "tensor: a global "
        "clip does not see one tensor",
        None,
        None,
        "Wortsman et al. 2023, Stable and low-precision training",
    )
    yield Remedy(
        "Raise ε where gradients have become tiny",
        "torch.optim.AdamW(model.parameters(), lr=lr, eps=1e-6)",
        None,
        "Molybog et al. 2023, A theory on Adam instability",
    )
    yield advice.lower_learning_rate(finding)


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="Adam's second moment lags behind the gradients, so that updates are too long",
    prior=-5.5,
    weights={
        "ratio_left_range": -3.0,
        "gradient_jumped_too": -2.0,
        "slow_recovery": 3.0,
        "gradient_calm_at_spike": -2.5,
        "learned_anew": -4.0,
        "gradient_led_loss": 2.5,
        "small_gradient_before": 3.0,
        "irregular_spikes": 0.5,
        "calm_before": 0.5,
        "gradient_only_spike": 0.5,
        "loss_ramp": 0.5,
        "gradient_ramp": 0.5,
        "loss_climbed": 0.5,
        "sharp_spike": -2.5,
        "one_row_jump": -1.0,
        "slow_gradient_growth": -1.0,
        "blow_up_from_start": -3.0,
        "sudden_nonfinite": -4.0,
        "nonfinite_at_first_row": -8.0,
        "gradient_failed_first": -4.0,
        "fixed_period": -3.0,
        "once_per_epoch": -2.0,
        "rate_raised_at_onset": -3.0,
        "spikes_follow_rate": -4.0,
        "nan_left_no_trace": -4.0,
        "begins_at_resume": -2.0,
        "moment_lagged": 7.5,
        "weights_written_outside": -3.0,
        "floorless_fall": -2.0,
        "floorless_with_gradient": -2.0,
        "float_overflowed": 0.0,
        "update_made_nonfinite": 0.0,
        "half_gradient_overflowed": 0.0,
        "batch_stands_out": -4.0,
        "target_stands_out": -4.0,
        "recurrence_grows": -3.0,
        "gradients_kept": -2.0,
        "update_climbs": -4.0,
        "batch_alone_spikes": -2.0,
        "calm_at_lower_rate": 0.5,
        "batches_spike_anyway": -4.0,
        "moments_lost": -3.0,
        "optimizer_began_anew": -3.0,
    },
    remedies=_remedies,
    trials=("lower_beta2", "clip_gradients"),
)
