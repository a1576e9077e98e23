"""The optimizer climbs: a sign is wrong.

## What happens
A negated loss, a negative learning rate, `maximize=True` or a negative weight decay turn descent
into ascent. The loss gets worse from the first step on, smoothly, because each step is as well
aimed as a good one.

## How it looks in a log
The loss rises in nearly every row from the start, first slowly, then faster and faster. A smaller
learning rate only delays it.

## How it looks from inside
The product of update and gradient is positive: the weights move along the gradient, not against it.

## What it is confused with
A learning rate that is too high: it overshoots and so first oscillates, and a tenth of it cures it.

## Sources
PyTorch documentation, torch.optim.SGD (maximize).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy

_DESCENT = {
    "pytorch": "optimizer = torch.optim.$optimizer(model.parameters(), lr=$rate, maximize=False)"
}


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Check the sign of the loss, of the learning rate and of weight decay, and "
        "that `maximize` is False",
        *advice.snippet(finding, _DESCENT),
        "PyTorch documentation, torch.optim.SGD (maximize)",
    )
    yield Remedy(
        "Take one step with a tenth of the learning rate: if the loss still rises, "
        "the sign is wrong; if it falls, the rate was too high"
    )


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="every step makes the loss worse: a sign is wrong",
    prior=-5.0,
    weights={
        "negative_at_once": -2.0,
        "ratio_left_range": -4.0,
        "negative_from_first_row": 3.0,
        "gradient_failed_first": -4.0,
        "slow_gradient_growth": 1.5,
        "loss_climbed": 1.0,
        "floorless_with_gradient": 1.5,
        "calm_before": -3.0,
        "impossible_sign": -3.0,
        "critic_without_bound": -3.0,
        "floorless_fall": 2.5,
        "fell_without_floor": 5.5,
        "monotone_rise": 6.5,
        "rate_negative": 8.0,
        "rate_fell_below_zero": 0.5,
        "accuracy_below_chance": 7.0,
        "loss_ramp": 0.5,
        "gradient_ramp": 0.5,
        "square_law": -1.5,
        "blow_up_from_start": 0.0,
        "nonfinite_at_first_row": -8.0,
        "sudden_nonfinite": -4.0,
        "one_row_jump": -4.0,
        "huge_first_loss": -2.0,
        "update_climbs": 7.0,
        "loss_negated": 9.0,
        "loss_partly_negated": 0.5,
        "float_overflowed": 1.5,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "exponential_overflowed": -8.0,
        "log_of_zero_ran": -6.0,
        "update_made_nonfinite": 0.0,
        "spikes_return": -4.0,
        "batch_alone_spikes": -5.0,
        "batches_spike_anyway": -2.0,
        "earlier_weights_calm": 0.5,
        "calm_at_lower_rate": -1.0,
    },
    remedies=_remedies,
    trials=("reverse_gradient",),
)
