"""A run was resumed with its weights, but without the state of its optimizer, scheduler or scaler.

## What happens
Adam's moments start from nothing: its first steps have full length in every coordinate, at a rate
that was chosen for a warmed-up state. A lost scheduler starts at another rate, a lost scaler at
another scale.

## How it looks in a log
The first logged loss after the resume is as good as the last one before, then the loss rises for
tens to hundreds of steps.

## How it looks from inside
At the resume the optimizer's state is empty, or its step is 1 and exp_avg_sq is 0.

## What it is confused with
Data that start over, or other data: there the first loss after the resume is off already. A
checkpoint that is broken: NaN at once.

## Sources
PyTorch documentation, Saving and loading a general checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, words_optimizer
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Save and load optimizer, scheduler, scaler and random state with the weights",
        "torch.save({'model': model.state_dict(), 'optimizer': optimizer.state_dict(),\n"
        "            'scheduler': scheduler.state_dict(), 'scaler': scaler.state_dict()}, path)",
        None,
        "PyTorch documentation, Saving and loading a general checkpoint",
    )
    yield Remedy(
        "If the state is lost, warm the learning rate up again over 1/(1-β2) steps",
        *advice.snippet(finding, words_optimizer.WARMUP, steps="1000"),
        "Ma & Yarats 2021, On the adequacy of untuned warmup for adaptive optimization",
    )


CAUSE = Cause(
    family=Family.CORRUPTED_STATE,
    summary="the run was resumed without the state of its optimizer",
    prior=-5.5,
    weights={
        "jump_then_decay": 2.0,
        "begins_at_resume": 7.0,
        "slow_recovery": 1.0,
        "loss_climbed": 0.5,
        "gradient_ramp": 0.5,
        "loss_ramp": 0.5,
        "rate_raised_at_onset": -3.0,
        "sharp_spike": -1.5,
        "nonfinite_on_resume": -2.0,
        "sudden_nonfinite": -3.0,
        "float_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "batch_alone_spikes": -5.0,
        "batches_spike_anyway": -3.0,
        "moments_lost": 9.0,
        "optimizer_began_anew": 9.0,
    },
    remedies=_remedies,
)
