"""Ten times the learning rate."""

from __future__ import annotations

from typing import Any

from gradcheck.watch.changes.rates import RateChange

FACTOR = 10.0


class RaiseLearningRate(RateChange):
    """Every update is made with ten times the rate that the script set."""

    action = "Raise the learning rate 10 times"
    snippet = "optimizer = torch.optim.AdamW(model.parameters(), lr=10 * lr)"

    def advice(self) -> str:
        """The rate it was, and the rate it should be."""
        rate = self.trouble.rate
        return f"{self.action}: {10 * rate:.2g} instead of {rate:.2g}" if rate else self.action

    def changed(self, rate: Any) -> Any:
        """Ten times as much."""
        return rate * FACTOR


CHANGE = RaiseLearningRate
