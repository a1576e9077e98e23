"""Ten times the learning rate."""

# mypy: allow-untyped-calls
from __future__ import annotations

from gradcheck.watch.changes import lower_learning_rate

FACTOR = 10.0


class RaiseLearningRate(lower_learning_rate.LowerLearningRate):
    """Every update is made with ten times the rate that the script set."""

    action = "Raise the learning rate 10 times"
    snippet = "optimizer = torch.optim.AdamW(model.parameters(), lr=10 * lr)"
    factor = FACTOR

    def advice(self) -> str:
        """The rate it was, and the rate it should be."""
        rate = self.trouble.rate
        return f"{self.action}: {10 * rate:.2g} instead of {rate:.2g}" if rate else self.action


CHANGE = RaiseLearningRate
