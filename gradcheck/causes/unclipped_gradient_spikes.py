"""Rare, large gradients reach the weights because nothing clips them.

## What happens
The gradient of a batch has heavy tails: most norms lie close together, and now and then one is ten
or a thousand times as large, though no sample is wrong. Without clipping (or with a clip that
stands before `backward`, or in the middle of an accumulation) each of them is a step that is too
long.

## How it looks in a log
The gradient norm spikes at irregular distances over a median that stays where it is. The loss
follows one row to five rows later, comes back, and at times does not.

## How it looks from inside
No tensor is non-finite. The norm of `p.grad` at the step exceeds what clipping was meant to allow;
`watch` separates misplaced_clipping (a clip that stands in the wrong place) and recurrent_growth.

## What it is confused with
Growing gradients: the median drifts. One outlier batch: a single event, with the loss in the same
row. A recurring bad batch: a fixed period or once an epoch.

## Sources
Zhang et al. 2020, Why gradient clipping accelerates training; Google Research, Deep Learning
Tuning Playbook (a threshold at the 90th percentile).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield advice.clip_gradients(finding)
    yield Remedy(
        "Check where the clip stands: after backward (and after unscale_ with a loss "
        "scaler), once per "
        "optimizer step, directly before it",
        "loss.backward()\ntorch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
        "optimizer.step()",
        None,
        "PyTorch documentation, torch.nn.utils.clip_grad_norm_",
    )
    yield advice.robust_loss()


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="rare large gradients reach the weights unclipped",
    prior=-5.0,
    weights={
        "scattered_gradient_spikes": 6.0,
        "irregular_spikes": 1.5,
        "gradient_only_spike": 2.0,
        "gradient_led_loss": 1.0,
        "slow_recovery": 1.0,
        "learned_anew": -4.0,
        "sharp_spike": -3.0,
        "loss_climbed": 1.0,
        "gradient_ramp": -0.5,
        "huge_gradient_before_nan": 1.0,
        "slow_gradient_growth": -2.0,
        "fixed_period": -4.0,
        "once_per_epoch": -3.0,
        "sudden_nonfinite": -2.0,
        "gradient_failed_first": -4.0,
        "nonfinite_at_first_row": -8.0,
        "blow_up_from_start": -2.0,
        "nan_left_no_trace": -3.0,
        "spikes_follow_rate": -4.0,
        "one_row_jump": -0.5,
        "loss_scaler_active": 0.0,
        "float_overflowed": 1.0,
        "update_made_nonfinite": 0.0,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "gradients_kept": -6.0,
        "clipped_too_late": -6.0,
        "clipped_nothing": -6.0,
        "clipped_too_early": -6.0,
        "accumulated_undivided": -6.0,
        "update_climbs": -6.0,
        "batch_stands_out": -4.0,
        "target_stands_out": -4.0,
        "recurrence_grows": -6.0,
        "moment_lagged": -3.0,
        "gradient_beyond_reason": -4.0,
        "spikes_return": 1.0,
    },
    remedies=_remedies,
    trials=("clip_gradients",),
)
