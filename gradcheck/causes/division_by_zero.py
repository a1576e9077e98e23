"""An operation divided by 0.

## What happens
The divisor is a count, a norm, a deviation or a sum of weights that is 0 for some batch: a mask
that hides everything, a vector of zeros, a constant row, a predicted variance that rounds to 0.
0/0 is NaN, anything else infinite, and one such quotient spoils the mean it enters.

## How it looks in a log
A healthy run, then NaN (0/0) or infinity (1/0) in one row; the gradient fails in the same one.

## How it looks from inside
Batch and weights are finite; the first tensor that is not leaves a division, a reciprocal, a
negative power or a normalisation, and the divisor holds a 0.

## What it is confused with
A log of 0. A mean over no target: that one is cross-entropy's own, its gradient is 0.

## Sources
PyTorch documentation, torch.nn.functional.normalize (eps) and LayerNorm (eps); Milletari et al.
2016, V-Net (the Dice loss, whose denominator is 0 without foreground).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Keep the divisor off 0: a count at least at 1, a positive quantity at an ε that its "
        "precision can hold",
        "mean = total / count.clamp_min(1)\n"
        "z = (x - mean) / (std + 1e-6)\n"
        "dice = (2 * overlap + 1.0) / (a.sum() + b.sum() + 1.0)",
        None,
        "PyTorch documentation, torch.clamp",
        change="guard_division",
    )
    yield Remedy(
        "Normalise with torch's own operations, which have an ε, and give it a value that bounds "
        "the gradient too",
        "u = torch.nn.functional.normalize(x, dim=-1, eps=1e-6)\n"
        "h = torch.nn.functional.layer_norm(x, x.shape[-1:], eps=1e-5)",
        None,
        "PyTorch documentation, torch.nn.functional.normalize (eps)",
    )
    yield Remedy(
        "If the divisor is 0 for some samples only, leave them out before the division: a `where` "
        "after it sends NaN back",
        "kept = count > 0\nmean = total[kept] / count[kept]",
        None,
        "PyTorch issue 23395 (the branch not taken sends NaN back)",
    )
    yield advice.resume_before(finding)
    yield prevention.guard_operations()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="an operation divided by 0",
    prior=-7.0,
    weights={
        "division_by_zero_ran": 9.5,
        "infinite_before_nan": 0.5,
        "undefined_operation_said": 1.0,
    },
    remedies=_remedies,
    trials=("guard_division",),
    instead_of=("undefined_operation", "overflow_or_log_of_zero", "nonfinite_from_the_start"),
)
