"""No updates: later batches meet the weights of before."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed


class FreezeWeights(Change):
    """All updates up to the failing step are withheld: its batch meets earlier weights.

    An examination, not a remedy.
    """

    action = "Leave the weights as they were some steps before"
    early = True

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Withhold the update."""
        if tick < self.trouble.tick:
            self.probe.withhold(followed)
            self.acted += 1


CHANGE = FreezeWeights
