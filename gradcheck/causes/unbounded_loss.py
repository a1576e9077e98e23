"""The loss has no lower bound, and training runs down it.

## What happens
A likelihood with learned variance, a density that collapses onto a sample, a margin that is
missing, a binary target above 1: the loss can fall for ever. On the way down the gradients grow
(1/σ² for a Gaussian) until a small error costs everything.

## How it looks in a log
The loss is negative and keeps falling, while the gradient norm grows; then spikes or NaN.

## How it looks from inside
A variance or a scale goes to 0, or a score to infinity, with nothing to stop it; its gradient grows
as it does. The loss divides an error by a width that the model predicts and that has no floor.

## What it is confused with
A healthy negative loss (dice, likelihood): it levels off.

## Sources
Seitzer et al. 2022, On the pitfalls of heteroscedastic uncertainty estimation.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Bound the predicted variance from below",
        "log_var = log_var.clamp(min=-10.0)\nloss = "
        "torch.nn.functional.gaussian_nll_loss(mean, y, log_var.exp(), eps=1e-6)",
        None,
        "Seitzer et al. 2022",
    )
    yield Remedy(
        "Weigh each sample by its detached variance (β-NLL), so that small "
        "variances do not dominate",
        "loss = (nll * log_var.exp().detach() ** 0.5).mean()",
        None,
        "Seitzer et al. 2022",
    )
    yield Remedy(
        "Check that targets of a binary cross-entropy lie in [0, 1]: masks of 0 "
        "and 255 make it negative",
        "assert 0 <= target.min() and target.max() <= 1",
        None,
        "PyTorch documentation, BCEWithLogitsLoss",
    )
    if finding.case.failed:
        yield advice.resume_before(finding)


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="the loss has no lower bound and training ran down it",
    weights={
        "negative_at_once": -2.0,
        "targets_in_range": 1.0,
        "density_narrowed": 5.0,
        "ratio_left_range": -8.0,
        "negative_from_first_row": -1.5,
        "infinite_before_nan": -1.0,
        "variance_collapsed": 6.0,
        "sharp_spike": 0.0,
        "impossible_sign": -2.0,
        "spikes_from_negative": 4.5,
        "critic_without_bound": -4.0,
        "floorless_fall": 5.0,
        "loss_climbed": 1.0,
        "huge_gradient_before_nan": 1.0,
        "floorless_with_gradient": 3.0,
        "sudden_nonfinite": 1.0,
        "irregular_spikes": 1.0,
        "slow_recovery": 0.5,
        "slow_gradient_growth": 1.0,
        "fell_without_floor": 3.0,
        "nonfinite_at_first_row": -5.0,
        "gradient_failed_first": -0.5,
        "huge_first_loss": -2.0,
        "gradients_add_up": -2.0,
        "blow_up_from_start": -2.0,
        "float_overflowed": 1.5,
        "log_of_zero_ran": -4.0,
        "division_by_zero_ran": -4.0,
        "exponential_overflowed": -4.0,
        "update_climbs": -3.0,
        "spikes_return": -4.0,
        "batch_alone_spikes": -5.0,
        "batches_spike_anyway": -2.0,
        "earlier_weights_calm": 0.5,
        "calm_at_lower_rate": 0.5,
        "loss_negated": -2.0,
        "loss_partly_negated": 6.0,
    },
    remedies=_remedies,
)
