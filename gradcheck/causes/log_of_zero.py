"""The logarithm of 0 was taken.

## What happens
A probability, a variance or a product of many small numbers rounds to 0, and its logarithm is -∞.
Training drives there by itself: the more certain a model becomes, the closer to 0 are the
probabilities of what it rules out. `log(p + 1e-8)` is no guard in float16, where 1e-8 is 0; and
`0 * log(0)` is NaN, not 0.

## How it looks in a log
The first loss that is not finite is an infinity, or NaN where the term was multiplied by 0. The
gradient fails in the same row.

## How it looks from inside
Batch and weights are finite; the first tensor that is not leaves `aten::log` or one of its kin, and
the argument holds a 0.

## What it is confused with
Numbers that grew until they overflowed: there the argument is huge. A division by 0: another
operation, the same remedy.

## Sources
PyTorch documentation, torch.nn.functional.log_softmax, BCEWithLogitsLoss and torch.xlogy.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Take the logarithm of a softmax or a sigmoid in one operation, from the logits",
        "log_p = torch.nn.functional.log_softmax(logits, dim=-1)\n"
        "log_q = torch.nn.functional.logsigmoid(logits)\n"
        "loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y)",
        None,
        "PyTorch documentation, log_softmax and BCEWithLogitsLoss",
    )
    yield Remedy(
        "Where there are no logits, keep the argument off 0: at least 1e-7 in float32 and 1e-4 in "
        "float16",
        "y = torch.log(p.clamp_min(1e-7))",
        None,
        "PyTorch documentation, torch.clamp",
        change="guard_log",
    )
    yield Remedy(
        "Add logarithms instead of multiplying probabilities, and sum probabilities with logsumexp",
        "log_product = log_p.sum(dim=-1)\nlog_sum = torch.logsumexp(log_p, dim=-1)",
        None,
        "PyTorch documentation, torch.logsumexp",
    )
    yield advice.resume_before(finding)
    yield prevention.guard_operations()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="the logarithm of 0 was taken",
    prior=-7.0,
    weights={
        "log_of_zero_ran": 9.5,
        "infinite_before_nan": 1.0,
        "probability_saturated": 1.0,
        "undefined_operation_said": 1.0,
    },
    remedies=_remedies,
    trials=("guard_log",),
    instead_of=(
        "overflow_or_log_of_zero",
        "undefined_operation",
        "saturated_probabilities",
        "nonfinite_from_the_start",
    ),
)
