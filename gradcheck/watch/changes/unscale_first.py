"""Gradients divided by the loss scale before they are clipped."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.patching import guard_calls

CLIPPING = (torch.nn.utils, torch.nn.utils.clip_grad)


class UnscaleFirst(Change):
    """The scaler unscales the gradients of an optimizer as soon as the script clips any of them."""

    action = "Unscale the gradients before they are clipped"
    snippet = (
        "scaler.unscale_(optimizer)\n"
        "torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)\n"
        "scaler.step(optimizer)"
    )
    early = True

    def begin(self) -> None:
        """Guard the functions that clip."""
        names = ("clip_grad_norm_", "clip_grad_value_", "clip_grad_norm")
        guard_calls(self.undo, names, self._unscale, CLIPPING, inplace=False)

    def _unscale(self, parameters: Any, *args: Any, **kwargs: Any) -> Any:
        given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
        clipped = set(map(id, given))
        for optimizer, followed in self.probe.optimizers.items():
            scaled = followed.scaler is not None and not followed.unscaled
            if scaled and not clipped.isdisjoint(map(id, followed.parameters)):
                followed.scaler.unscale_(optimizer)
                self.acted += 1
        return (given, *args), kwargs


CHANGE = UnscaleFirst
