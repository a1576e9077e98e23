"""A learned temperature left the range in which the loss is useful.

## What happens
Contrastive losses multiply similarities by a learned scale exp(t). Nothing bounds it: it grows
while training is easy, beyond 100 single pairs decide every step, and exp overflows from t = 88
on. Or it falls to where all pairs look alike, and the loss sits at ln B.

## How it looks in a log
logit_scale (or the temperature) leaves its range for good; then the loss spikes or diverges, or is
flat at the logarithm of the batch size.

## How it looks from inside
The scale parameter itself is the largest thing in the model; logits are ±scale. `watch` writes down
every learned single number, step by step, and judges those that are no deviation and no bias.

## What it is confused with
A temperature that settles at its clamp of 100, as CLIP's does: healthy.

## Sources
Radford et al. 2021, CLIP (logit scale clipped to 100).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Clamp the scale after each step, as CLIP does",
        "with torch.no_grad():\n    model.logit_scale.clamp_(0, math.log(100))",
        None,
        "Radford et al. 2021, CLIP",
        change="hold_scalars",
    )
    yield Remedy(
        "Keep weight decay and the full learning rate off the scale, and start it at ln(1/0.07)",
        "groups = [{'params': rest}, {'params': [model.logit_scale], 'weight_decay': "
        "0.0, 'lr': lr / 10}]",
        None,
        "Radford et al. 2021, CLIP",
    )


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="a learned temperature or logit scale ran out of its range",
    prior=-5.5,
    weights={
        "learned_number_ran_away": 11.0,
        "flat_from_start": 0.5,
        "loss_climbed": 0.3,
        "gradient_ramp": 0.3,
        "loss_ramp": 0.3,
        "exponential_overflowed": 1.5,
        "half_overflowed": 0.0,
        "float_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "batch_alone_spikes": -4.0,
        "batches_spike_anyway": -1.0,
        "earlier_weights_calm": 0.5,
        "calm_at_lower_rate": 1.0,
    },
    remedies=_remedies,
    trials=("hold_scalars", "lower_learning_rate"),
)
