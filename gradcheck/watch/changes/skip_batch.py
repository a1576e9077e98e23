"""The failing step left out: its batch changes nothing."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed


class SkipBatch(Change):
    """The update of the failing step is withheld, and what forward did to buffers taken back."""

    action = "Skip the batch of the failing step: leave out its update"
    snippet = (
        "if not torch.isfinite(loss):\n    optimizer.zero_grad(set_to_none=True)\n    continue"
    )
    once = True

    def rescue(self, followed: Followed, tick: int) -> bool:
        """Only the step in question, and those of other optimizers beside it."""
        near = abs(tick - self.trouble.tick) < max(1, len(self.probe.optimizers))
        self.acted += near
        return near

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """A finite step is left out as well, if it is the one in question."""
        if tick == self.trouble.tick and not followed.withheld:
            self.acted += 1
            self.probe.withhold(followed)


CHANGE = SkipBatch
