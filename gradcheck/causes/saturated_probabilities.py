"""Probabilities reach exactly 0 or 1 before the logarithm is taken.

## What happens
`sigmoid` in float32 is exactly 1 from a logit of about 17. `binary_cross_entropy` clamps the
logarithm at -100, so a saturated error costs exactly 100 and its gradient is 0: the unit is stuck.
A hand-written logarithm gives infinity instead.

## How it looks in a log
The loss sits on multiples of 100/B (B terms in the mean) and does not recover.

## How it looks from inside
Outputs of a sigmoid or softmax are exactly 0 or 1 in float32, and the gradient of the wrong ones is
0.

## What it is confused with
A high plateau after a learning rate that was too high: its values are not multiples of anything.

## Sources
PyTorch documentation, BCELoss (clamps its log outputs at -100) and BCEWithLogitsLoss.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Return logits and let the loss take the logarithm",
        "loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)",
        None,
        "PyTorch documentation, BCEWithLogitsLoss",
    )
    yield Remedy(
        "Where the model must return probabilities, keep them off 0 and 1 before the logarithm",
        "p = p.clamp(1e-6, 1 - 1e-6)",
        None,
        "PyTorch documentation, BCELoss",
    )


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="probabilities saturated at 0 or 1 before the logarithm",
    weights={
        "gradient_jumped_too": -2.0,
        "probability_saturated": 6.5,
        "log_clamp_values": 10.0,
        "frozen_high": 0.5,
        "infinite_before_nan": 0.5,
        "flat_from_start": 0.5,
    },
    remedies=_remedies,
    trials=("guard_log", "lower_learning_rate"),
)
