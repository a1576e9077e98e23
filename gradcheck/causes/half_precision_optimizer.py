"""The optimizer computes in float16, and its own arithmetic fails.

## What happens
A model converted with `.half()` has float16 weights, and so has its optimizer state. Adam's ε of
1e-8 is 0 in float16 and so is the square of a small gradient: the first update divides by 0.

## How it looks in a log
An ordinary first loss and an ordinary first gradient; everything is NaN from the second row on, at
any learning rate.

## How it looks from inside
Gradients are finite; the weights after the first step are the first tensors that are not.

## What it is confused with
A learning rate that is too high: the first gradient times the rate is as large as the weights. NaN
in the second batch: a check of the batch settles it.

## Sources
PyTorch issues 8860 and 147437 (Adam in float16).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Keep the weights in float32 and let autocast choose the precision of each operation",
        "model.float()\nwith torch.autocast('cuda', torch.float16):\n    loss = model(x)",
        None,
        advice.TORCH_AMP,
    )
    yield advice.prefer_bfloat16(finding)
    yield Remedy(
        "As a stopgap, give Adam an ε that float16 can hold",
        "torch.optim.Adam(model.parameters(), lr=lr, eps=1e-4)",
        None,
        "PyTorch issue 8860",
    )


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="the optimizer's own arithmetic fails in float16",
    prior=-5.5,
    weights={
        "nonfinite_after_first_row": 2.5,
        "ordinary_first_gradient": 1.5,
        "ordinary_first_loss": 1.0,
        "no_loss_scaler": 0.5,
        "half_precision_configured": 1.5,
        "loss_scaler_active": -2.0,
        "huge_first_loss": -4.0,
        "huge_first_gradient": -3.0,
        "sudden_nonfinite": -4.0,
        "nonfinite_at_first_row": -5.0,
        "blow_up_from_start": -2.0,
        "half_update_nonfinite": 12.0,
        "update_made_nonfinite": 0.0,
    },
    remedies=_remedies,
    trials=("raise_epsilon", "float32"),
)
