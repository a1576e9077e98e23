"""Inputs standardised before they go into a model."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.changes.model_inputs import before_models
from gradcheck.watch.probe import Probe


class ScaleInputs(Change):
    """Floating-point inputs get mean 0 and deviation 1, by the first batch that was seen."""

    action = "Standardise the inputs: subtract their mean and divide by their standard deviation"
    snippet = "x = (x - train_mean) / train_std.clamp_min(1e-6)"
    early = True
    from_start = True

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._known: dict[tuple[int, ...], tuple[Tensor, Tensor]] = {}

    def begin(self) -> None:
        """Stand before every model."""
        before_models(self, self._mend)

    def _mend(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.dim() < 2:
            return value
        if value.requires_grad:
            return value
        shape = tuple(value.shape[1:])
        if shape not in self._known:
            per_feature = value.dim() == 2  # else images or sequences, scaled as a whole
            over = (0,) if per_feature else tuple(range(value.dim()))
            mean = value.mean(over, keepdim=True)
            spread = value.std(over, correction=0, keepdim=True)
            whole = value.std(correction=0)
            self._known[shape] = mean, torch.where(spread > 1e-6 * whole, spread, whole)
        mean, spread = self._known[shape]
        self.acted += 1
        return (value - mean) / spread.clamp_min(1e-12)


CHANGE = ScaleInputs
