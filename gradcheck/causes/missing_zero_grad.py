"""Gradients are never cleared: each step adds to the sum of all before it.

## What happens
Without `optimizer.zero_grad()` `.grad` accumulates over the whole run. The effective update is that
of heavy-ball momentum with β = 1, which has no friction: the norm climbs, the loss oscillates
undamped, and with a longer step it diverges.

## How it looks in a log
The gradient norm climbs along a straight line from the first row on, while the loss may look fine
for long.

## How it looks from inside
`p.grad` is not 0 when `backward` begins, and afterwards equals its old value plus the new gradient.

## What it is confused with
An explosion: exponential, not linear. Compare the fit of the norm with that of its logarithm.
Deliberate accumulation: a saw-tooth that returns to its start every N steps.

## Sources
PyTorch documentation, torch.optim.Optimizer.zero_grad.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Clear the gradients once per step, before backward",
        "optimizer.zero_grad(set_to_none=True)\nloss.backward()\noptimizer.step()",
        None,
        "PyTorch documentation, torch.optim.Optimizer.zero_grad",
        change="zero_gradients",
    )
    yield advice.accumulate(finding)


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="the gradients are never cleared between steps (missing zero_grad)",
    prior=-5.0,
    weights={
        "gradients_add_up": 7.0,
        "loss_climbed": 0.5,
        "slow_recovery": 0.5,
        "slow_gradient_growth": -1.0,
        "square_law": -2.0,
        "sudden_nonfinite": -2.0,
        "one_row_jump": -2.0,
        "nonfinite_at_first_row": -8.0,
        "gradient_failed_first": -2.0,
        "floorless_fall": -1.0,
        "gradients_kept": 7.0,
        "float_overflowed": 1.5,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "update_made_nonfinite": 0.0,
        "exponential_overflowed": -8.0,
        "batch_stands_out": -2.0,
        "target_stands_out": -2.0,
        "recurrence_grows": -2.0,
        "batch_alone_spikes": -5.0,
        "batches_spike_anyway": -1.0,
    },
    remedies=_remedies,
    trials=("zero_gradients",),
)
