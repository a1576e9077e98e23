"""One player of a GAN has won: the other gets no usable gradient.

## What happens
A discriminator that tells real from fake without error saturates: its loss goes to 0 and the
generator's grows without limit, or, without a Lipschitz bound, its scores run away. Neither loss
says anything about quality any more.

## How it looks in a log
The discriminator's loss falls to 0 and stays, while the generator's loss climbs.

## How it looks from inside
The discriminator's logits are far from 0 everywhere; its gradient norm goes to 0, the generator's
explodes.

## What it is confused with
A balanced game, in which both losses wander about a level for the whole run.

## Sources
Arjovsky & Bottou 2017, Towards principled methods for training GANs; Miyato et al. 2018, Spectral
normalization.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Bound the discriminator: spectral normalisation, or a gradient penalty (R1 with γ = 10)",
        "layer = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(n, m))",
        None,
        "Miyato et al. 2018, Spectral normalization; Mescheder et al. 2018 (R1)",
    )
    yield Remedy(
        "Slow the winner down: a lower learning rate for the discriminator, noise on its "
        "inputs, or "
        "one-sided label smoothing",
        None,
        None,
        "Heusel et al. 2017 (two time scales); Salimans et al. 2016",
    )


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="one player of the adversarial game has won and the other one's loss runs away",
    prior=-5.5,
    weights={
        "one_adversary_won": 8.5,
        "critic_without_bound": 7.5,
        "loss_climbed": 0.5,
        "gradient_ramp": 0.3,
        "sudden_nonfinite": -1.0,
        "float_overflowed": 0.0,
        "batch_alone_spikes": -4.0,
        "batches_spike_anyway": -2.0,
        "loss_partly_negated": 1.0,
    },
    remedies=_remedies,
)
