"""The learning rate from before it jumped."""

from __future__ import annotations

from typing import Any

from gradcheck.watch.changes.rates import RateChange

ABOVE = 1.05
"""How far above the usual rate one counts as higher."""


class HoldLearningRate(RateChange):
    """No update is made with a higher rate than was usual before the failure, or one below 0."""

    action = "Keep the learning rate where it was before the failure"
    snippet = "scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)"

    def advice(self) -> str:
        """With the rate that was usual."""
        rate = self.trouble.rate
        return f"{self.action}: at most {rate:.2g}" if rate else self.action

    def changed(self, rate: Any) -> Any:
        """The usual one, where it is above that or below 0."""
        limit = self.trouble.rate
        if not limit or limit < 0:
            return rate
        return limit if float(rate) > limit * ABOVE or float(rate) < 0 else rate


CHANGE = HoldLearningRate
