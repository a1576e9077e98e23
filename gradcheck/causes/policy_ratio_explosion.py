"""The policy has moved so far from the one that sampled that probability ratios explode.

## What happens
PPO, GRPO and their kin weigh each sample by exp(log π - log π_old). The ratio must be 1 on the
first pass over a batch. Too many passes, a learning rate that is too high, or log-probabilities
computed in two ways (dropout, another precision, a squashed action) drive it away; exp overflows
from 88 on, and infinity times an advantage of 0 is NaN.

## How it looks in a log
approx_kl, the largest ratio or the clipped share leave their level first; the losses follow; at
last NaN.

## How it looks from inside
The ratio tensor holds huge values or infinities while logits and advantages are finite. `watch`
knows it by what it is made of, exp of a learned logarithm less a kept one, and by its names.

## What it is confused with
The noise of a policy loss, which has either sign and says little by itself. A value loss in large
units.

## Sources
Schulman et al. 2017, Proximal policy optimization; TRL issue 454 (ratios must start at 1).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Stop the passes over a batch when approx_kl exceeds 0.01 to 0.03",
        *advice.snippet(
            finding,
            {
                "stable_baselines3": "PPO(..., target_kl=0.02)",
                "pytorch": "if approx_kl > 0.02:\n    break",
            },
        ),
        "Schulman et al. 2017, Proximal policy optimization",
    )
    yield Remedy(
        "Clamp the log-ratio before the exponential, in float32, and check that it is 0 "
        "on the first "
        "pass over each batch",
        "log_ratio = (log_prob - old_log_prob).float().clamp(-20.0, 20.0)\nratio = log_ratio.exp()",
        None,
        "TRL issue 454",
    )
    yield advice.lower_learning_rate(finding)


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="the policy left the one that sampled the data: probability ratios exploded",
    prior=-5.5,
    weights={
        "policy_moved_first": 8.0,
        "ratio_overflowed": 11.0,
        "ratio_left_range": 7.0,
        "floorless_fall": 1.5,
        "floorless_with_gradient": 1.0,
        "spikes_from_negative": 1.5,
        "gradient_ramp": 0.5,
        "loss_ramp": 0.5,
        "loss_climbed": 0.5,
        "infinite_before_nan": 0.5,
        "huge_gradient_before_nan": 0.5,
        "nonfinite_at_first_row": -4.0,
        "exponential_overflowed": 3.0,
        "half_overflowed": 0.0,
        "float_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "operation_undefined": 0.0,
    },
    remedies=_remedies,
    trials=("guard_exponential", "lower_learning_rate", "clip_gradients"),
)
