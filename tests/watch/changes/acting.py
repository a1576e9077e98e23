"""Changes in effect within the test's own process, and what torch looks like meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from gradcheck.watch.changes import catalogue
from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.changes.patching import OWNERS
from gradcheck.watch.followed import Followed
from gradcheck.watch.probe import Probe


class Nobody:
    """A listener that is told everything, and does nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kwargs: None


def nobody(hook: Any, *args: Any) -> Any:
    """As a guard that lets every fault out."""
    return hook(*args)


def new_probe(model: torch.nn.Module | None = None, *optimizers: torch.optim.Optimizer) -> Probe:
    """A probe that knows a model and its optimizers, and hangs in nothing."""
    probe = Probe(Nobody(), nobody)  # type: ignore[arg-type]
    if model is not None:
        for module in model.modules():
            probe.module_made(module)
    for optimizer in optimizers:
        probe.created(optimizer)
    return probe


def followed_of(probe: Probe) -> Followed:
    """The only optimizer, with the norm of its gradients measured."""
    (followed,) = probe.optimizers
    probe._measure(followed)
    return followed


@contextmanager
def acting(
    name: str, probe: Probe | None = None, trouble: Trouble | None = None
) -> Iterator[Change]:
    """A change of this id, from its begin to its end."""
    change = catalogue.make(name, probe or new_probe(), trouble or Trouble(0))
    change.begin()
    try:
        yield change
    finally:
        change.end()


def attributes() -> dict[tuple[str, str], int]:
    """The identity of everything that a change may replace."""
    owners = [*OWNERS, torch.autocast, torch.nn.Module, torch.utils.data.DataLoader]
    return {(str(owner), name): id(held) for owner in owners for name, held in vars(owner).items()}
