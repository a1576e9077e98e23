"""A tenth of the learning rate."""

from __future__ import annotations

from typing import Any

from gradcheck.watch.changes.rates import RateChange

FACTOR = 0.1


class LowerLearningRate(RateChange):
    """Every update is made with a tenth of the rate that the script set."""

    action = "Divide the learning rate by 10"
    snippet = "optimizer = torch.optim.AdamW(model.parameters(), lr=lr / 10)"

    def advice(self) -> str:
        """The rate it was, and the rate it should be."""
        rate = self.trouble.rate
        return f"{self.action}: {rate / 10:.2g} instead of {rate:.2g}" if rate else self.action

    def changed(self, rate: Any) -> Any:
        """A tenth."""
        return rate * FACTOR


CHANGE = LowerLearningRate
