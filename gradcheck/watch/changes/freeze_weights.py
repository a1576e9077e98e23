"""No updates from shortly before the trouble on: all batches meet the same weights."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import LEAD, Change
from gradcheck.watch.followed import Followed


class FreezeWeights(Change):
    """Updates are withheld: whatever still rises does not come from the training.

    An examination, not a remedy.
    """

    action = "Make no update at all (an examination, no remedy)"
    early = True

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Withhold the update, if the trouble is near."""
        begin = self.trouble.tick if self.trouble.onset is None else self.trouble.onset
        if tick >= begin - LEAD * self.probe.optimizers.together:
            self.probe.withhold(followed)
            self.acted += 1


CHANGE = FreezeWeights
