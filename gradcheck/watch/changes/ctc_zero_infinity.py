"""CTC losses of targets that do not fit counted as 0."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.patching import replace_calls


class CtcZeroInfinity(Change):
    """A target longer than its input can spell teaches nothing, instead of an infinite loss."""

    operations = frozenset({"ctc_loss"})
    action = "Use CTCLoss(zero_infinity=True), or drop targets longer than their input allows"
    snippet = "criterion = torch.nn.CTCLoss(zero_infinity=True)"

    def begin(self) -> None:
        """Guard the loss."""
        replace_calls(self.undo, ("ctc_loss",), self._make)

    def _make(self, real: Any) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            loss = real(*args, **kwargs)
            if not bool(torch.isinf(loss).any()):
                return loss
            self.acted += 1
            if len(args) > ZERO_INFINITY:
                return real(*args[:ZERO_INFINITY], True, *args[ZERO_INFINITY + 1 :], **kwargs)
            return real(*args, **{**kwargs, "zero_infinity": True})

        return counted


ZERO_INFINITY = 6
"""Its place among the arguments of torch.nn.functional.ctc_loss, and of torch.ctc_loss."""

CHANGE = CtcZeroInfinity
