"""Gradients are clipped where it has no effect.

## What happens
`clip_grad_norm_` acts on what `.grad` holds at that moment. Before `backward` that is nothing, or
what the last step left; after `optimizer.step()` the weights have already moved. A generator of
parameters gives them once: if the optimizer had them, nothing is left to clip. The script looks
protected, and every large gradient reaches the weights whole.

## How it looks in a log
As if nothing were clipped: the norm spikes, the loss follows, and some spike does not come back. A
norm that was logged from the clip is 0, or that of the step before.

## How it looks from inside
The call to the clip comes before the first backward of a step or after its update, and none comes
in between; or it gets no parameters at all.

## What it is confused with
Clipping that is missing, or too loose: the same picture in a log. Clipping while the gradients are
still multiplied by a loss scale: that clips far too much.

## Sources
PyTorch documentation, torch.nn.utils.clip_grad_norm_; Pascanu et al. 2013.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Move the clip between backward and the step (with a loss scaler after unscale_), once per "
        "optimizer step",
        "optimizer.zero_grad(set_to_none=True)\n"
        "loss.backward()\n"
        "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
        "optimizer.step()",
        None,
        "PyTorch documentation, torch.nn.utils.clip_grad_norm_",
    )
    yield advice.clip_gradients(finding)
    yield Remedy(
        "Check once that it acts: right before the step, no norm exceeds the threshold",
        "norm = torch.nn.utils.get_total_norm([p.grad for p in model.parameters()])\n"
        "assert norm <= 1.0 + 1e-3, norm",
        None,
        "PyTorch documentation, torch.nn.utils.get_total_norm",
    )
    if finding.case.failed:
        yield advice.resume_before(finding)


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="gradients are clipped before backward or after the step, where it has no effect",
    prior=-7.0,
    weights={
        "clipped_too_late": 10.0,
        "clipped_nothing": 10.0,
        "clipped_too_early": 10.0,
        "scattered_gradient_spikes": 1.5,
        "gradient_ramp": 1.5,
        "loss_ramp": 1.5,
        "loss_climbed": 1.5,
        "slow_gradient_growth": 1.5,
        "huge_gradient_before_nan": 1.5,
        "slow_recovery": 1.0,
        "gradient_led_loss": 1.0,
        "float_overflowed": 1.5,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "exponential_overflowed": -8.0,
        "update_made_nonfinite": 0.0,
        "recurrence_grows": -2.0,
        "sudden_nonfinite": -4.0,
        "gradient_failed_first": -4.0,
        "nonfinite_at_first_row": -8.0,
        "nonfinite_after_first_row": -2.0,
        "nan_left_no_trace": -4.0,
        "huge_first_loss": -3.0,
        "flat_from_start": -5.0,
        "rate_collapsed": -4.0,
        "only_validation_failed": -4.0,
    },
    remedies=_remedies,
    trials=("clip_gradients",),
    instead_of=("unclipped_gradient_spikes", "gradient_growth"),
)
