"""An operation got an argument for which it is not defined.

## What happens
The square root or the logarithm of a negative number, a fractional power of one, the arc cosine of
1.0000001: mathematics promised an argument inside the domain, rounding or an unconstrained output
did not. A variance computed as E[x²] - E[x]² can be negative; the cosine of two equal vectors can
exceed 1 in the last digit.

## How it looks in a log
A healthy run, then loss and gradient norm NaN in one row. No infinity comes before it.

## How it looks from inside
Batch and weights are finite; the first tensor that is not holds NaN and leaves `sqrt`, `pow`,
`log`, `acos` or their kin, whose argument lies outside of their domain, often by a rounding error.

## What it is confused with
An operation at the edge of its domain (√0, acos 1): finite forward, and only its gradient is not.
A log of 0, which is -∞ and not NaN.

## Sources
PyTorch documentation, torch.sqrt and torch.acos; Chan, Golub & LeVeque 1983, Algorithms for
computing the sample variance.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Bring the argument into the domain before the operation, a little inside its edge",
        "y = torch.sqrt(x.clamp_min(1e-12))\n"
        "angle = torch.acos(cosine.clamp(-1 + 1e-6, 1 - 1e-6))\n"
        "y = torch.sign(x) * x.abs().clamp_min(1e-12) ** 0.3",
        None,
        "PyTorch documentation, torch.clamp",
        change="guard_domain",
    )
    yield Remedy(
        "Compute a variance in two passes: a difference of two means loses all digits and can be "
        "negative",
        "variance = torch.var(x, dim=-1, correction=0)  # not (x * x).mean(-1) - x.mean(-1) ** 2",
        None,
        "Chan, Golub & LeVeque 1983, Algorithms for computing the sample variance",
    )
    yield Remedy(
        "Let the model predict a quantity that must be positive through softplus, or its logarithm",
        "scale = torch.nn.functional.softplus(raw) + 1e-3",
        None,
        "PyTorch documentation, torch.nn.functional.softplus",
    )
    yield advice.resume_before(finding)
    yield prevention.guard_operations()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="an operation got an argument outside of its domain (√ or log of a negative number)",
    prior=-7.0,
    weights={"argument_left_domain": 9.5, "undefined_operation_said": 1.0},
    remedies=_remedies,
    trials=("guard_domain",),
    instead_of=("undefined_operation", "overflow_or_log_of_zero", "nonfinite_from_the_start"),
)
