"""An operation is finite forward and infinite or undefined backward.

## What happens
The derivative of √x is infinite at 0, so are those of a norm written by hand, of acos at ±1 and of
x^p for p < 1; 0 times that infinity is NaN. `torch.where` multiplies the gradient of the branch
that was not taken by 0 instead of leaving it out, so a NaN there comes back. Eigenvectors of equal
eigenvalues have no derivative at all.

## How it looks in a log
The gradient norm is NaN or infinite in a row whose loss is an ordinary number; the next loss is
NaN, because the update has poisoned every weight. Nothing unusual comes before.

## How it looks from inside
Batch, weights, activations and loss are finite. The first tensor that is not is a gradient, the
one that leaves `SqrtBackward0`, `PowBackward0`, `AcosBackward0`, `LinalgEighBackward0` or
`WhereBackward0`.

## What it is confused with
An overflow of the gradients in float16: a loss scaler is at work, its scale falls and the run goes
on. NaN in a batch: the loss of the same row is NaN too. NaN that another process sent through an
all-reduce: the local gradients are finite.

## Sources
PyTorch issues 2775 (hand-written norms at 0) and 23395 (`where`); PyTorch documentation,
torch.linalg.eigh (gradients of repeated eigenvalues).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Guard what is finite forward and infinite backward: √ and norms at 0, acos at "
        "±1; mask the "
        "input of an operation, not its result",
        "y = torch.sqrt(x + 1e-12)\nsafe = torch.where(mask, x, 1.0)   # before the operation\n"
        "y = torch.where(mask, f(safe), 0.0)",
        None,
        "PyTorch issue 23395 (the branch not taken sends NaN back)",
        change="guard_sqrt",
    )
    yield Remedy(
        "Use torch's own norm, which has gradient 0 at 0, and atan2 instead of acos",
        "d = torch.linalg.vector_norm(a - b, dim=-1)\n"
        "angle = torch.atan2(torch.linalg.cross(a, b).norm(dim=-1), (a * b).sum(-1))",
        None,
        "PyTorch issue 2775",
    )
    yield advice.localise(finding)
    yield advice.resume_before(finding)
    yield prevention.guard_operations()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="an operation that is finite forward has no finite gradient (√ or a norm at "
    "0, acos at ±1, a `where` branch)",
    prior=-4.5,
    weights={
        "gradient_failed_first": 6.5,
        "updates_not_applied": -1.5,
        "sudden_nonfinite": 1.5,
        "flat_gradient": 0.5,
        "undefined_operation_said": 4.0,
        "loss_scaler_active": -2.0,
        "hidden_by_logger": 0.0,
        "failed_together": -3.0,
        "infinite_before_nan": -1.5,
        "gradient_ramp": -2.0,
        "loss_ramp": -2.5,
        "loss_climbed": -2.0,
        "huge_gradient_before_nan": -2.0,
        "nonfinite_at_first_row": 1.5,
        "nan_left_no_trace": -2.0,
        "one_row_jump": -2.5,
        "blow_up_from_start": -3.0,
        "nan_in_data": -4.0,
        "scale_fell_beside_finite_loss": -2.5,
        "nonfinite_on_resume": -1.0,
        "gradient_undefined": 17.0,
    },
    remedies=_remedies,
    trials=("guard_sqrt", "guard_division", "guard_domain", "jitter_decomposition"),
    instead_of=("undefined_operation",),
)
