"""Targets that are no number left out of the loss."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.patching import guard_calls

LOSSES = (
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "binary_cross_entropy",
)


class MaskTargets(Change):
    """A target that is not finite is replaced by the prediction itself: it teaches nothing."""

    action = "Leave targets that are not finite out of the loss"
    snippet = "known = torch.isfinite(y)\nloss = criterion(prediction[known], y[known])"

    def begin(self) -> None:
        """Guard the losses."""
        guard_calls(self.undo, LOSSES, self._guard)
        guard_calls(self.undo, ("binary_cross_entropy_with_logits",), self._guard_logits)

    def _guard_logits(self, logits: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        (_, mended), _ = self._guard(logits.sigmoid(), target)
        return (logits, mended, *args), kwargs

    def _guard(self, prediction: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(target, Tensor) and target.is_floating_point():
            known = torch.isfinite(target)
            if not bool(known.all()) and target.shape == prediction.shape:
                self.acted += 1
                target = torch.where(known, target, prediction.detach())
        return (prediction, target, *args), kwargs


CHANGE = MaskTargets
