"""The learning rate is practically zero.

## What happens
A scheduler stepped per batch instead of per epoch, a decay that is too fast, a warm-up that never
ends: the rate falls to nothing while there is much to learn.

## How it looks in a log
The logged learning rate is below a thousandth of its peak for most of the run, and the loss stands
still although gradients are of ordinary size.

## How it looks from inside
Gradients are of ordinary size, and the ratio of update to weight norm is below 1e-6.

## What it is confused with
The end of a schedule: the rate is small for the last rows only.

## Sources
PyTorch documentation, How to adjust learning rate.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Check how often the scheduler is stepped: once per epoch or per batch, as "
        "its length was chosen",
        "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, "
        "T_max=epochs * len(loader))\n...\nscheduler.step()  # once per batch",
        None,
        "PyTorch documentation, How to adjust learning rate",
    )
    yield Remedy("Give the schedule a floor, or restart from the last checkpoint with a new one")


CAUSE = Cause(
    family=Family.STALLED_TRAINING,
    summary="the learning rate collapsed while there was much to learn",
    weights={
        "rate_collapsed": 7.0,
        "flat_from_start": 1.5,
        "gradient_alive": 0.5,
        "tiny_gradient": -1.5,
        "layers_starve": -2.0,
        "batch_alone_spikes": -4.0,
        "batches_spike_anyway": -3.0,
    },
    remedies=_remedies,
    trials=("raise_learning_rate",),
)
