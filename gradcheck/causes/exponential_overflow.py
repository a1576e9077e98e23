"""An exponential left the range of its type.

## What happens
exp x is infinite beyond 88.7 in float32 and 11.1 in float16. A softmax, a softplus or a Gaussian
written by hand meets such an argument as soon as logits grow, a rate exp(x) is predicted without a
bound, or a log-ratio is far from 0. The next quotient is ∞/∞, the next product 0·∞: NaN.

## How it looks in a log
The first loss that is not finite is an infinity, or NaN. Nothing need grow by orders of magnitude
before: an argument of 80 is fine, one of 90 is not.

## How it looks from inside
Batch and weights are finite; the first tensor that is not holds infinities and leaves `exp` or its
kin, whose argument is a few dozen to a few hundred.

## What it is confused with
Finite numbers that grew until float32 could not hold them: their arguments are astronomical, and
the log shows the growth. A temperature or a policy ratio that ran away: then that is the reason
why the argument grew.

## Sources
PyTorch documentation, torch.logsumexp, softplus and log_softmax (the forms that do not overflow).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Use the form that subtracts the largest argument first: softmax, log_softmax, logsumexp, "
        "softplus, binary_cross_entropy_with_logits",
        "p = torch.softmax(logits, dim=-1)  # not logits.exp() / logits.exp().sum(-1)\n"
        "y = torch.nn.functional.softplus(x)  # not torch.log(1 + x.exp())",
        None,
        "PyTorch documentation, torch.logsumexp",
    )
    argument = finding.value("exponential_overflowed", "argument")
    seen = f" (it was {argument:.4g})" if argument is not None else ""
    yield Remedy(
        f"Bound the argument where it must be exponentiated{seen}, or let softplus take the "
        "place of exp",
        "rate = torch.exp(x.clamp(max=20.0))\nrate = torch.nn.functional.softplus(x)",
        None,
        "PyTorch documentation, torch.clamp",
        change="guard_exponential",
    )
    yield advice.part_in_float32(finding)
    yield advice.resume_before(finding)
    yield prevention.guard_operations()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="an exponential left the range of its type",
    prior=-7.0,
    weights={
        "exponential_overflowed": 9.5,
        "infinite_before_nan": 1.0,
        "undefined_operation_said": 1.0,
    },
    remedies=_remedies,
    trials=("guard_exponential",),
    instead_of=("overflow_or_log_of_zero", "undefined_operation", "nonfinite_from_the_start"),
)
