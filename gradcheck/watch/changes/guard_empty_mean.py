"""Averages of nothing that are 0."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.patching import replace_calls

AVERAGES = (
    "mean",
    "cross_entropy",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "ctc_loss",
    "smooth_l1_loss",
)


class GuardEmptyMean(Change):
    """The mean over no element, and a loss in which no target counts, are 0 and teach nothing."""

    action = "Return a loss of 0 where no target counts: divide by the count, at least 1"
    snippet = "loss = (losses * mask).sum() / mask.sum().clamp_min(1)"

    def begin(self) -> None:
        """Guard the functions."""
        replace_calls(self.undo, AVERAGES, self._make)

    def _make(self, real: Any) -> Any:
        def averaged(value: Any, *args: Any, **kwargs: Any) -> Any:
            result = real(value, *args, **kwargs)
            whole = isinstance(result, Tensor) and isinstance(value, Tensor) and not result.dim()
            if (
                not whole
                or not bool(torch.isnan(result))
                or not _finite(value, *args, *kwargs.values())
            ):
                return result
            self.acted += 1
            return (value * 0.0).sum()

        return averaged


def _finite(*given: Any) -> bool:
    """Whether a NaN can only come from a division by no elements."""
    return all(bool(torch.isfinite(one).all()) for one in given if isinstance(one, Tensor))


CHANGE = GuardEmptyMean
