"""The step at which the trouble began left out, where it failed only later."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed


class SkipOnset(Change):
    """The updates of the first abnormal step and of the one before it are withheld.

    One batch that wrecked the weights did it there; steps that are too long go on being it.
    """

    action = "Skip the batch with which it began: leave out its update"
    snippet = (
        "if norm > 20 * usual_norm:  # of clip_grad_norm_, against its running median\n"
        "    optimizer.zero_grad(set_to_none=True)\n"
        "    continue"
    )
    early = True

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Withhold the update, if it is one of these."""
        onset = self.trouble.onset
        if onset is None or followed.withheld:
            return
        together = self.probe.optimizers.together
        if onset - together <= tick < onset + together:
            self.acted += 1
            self.probe.withhold(followed)


CHANGE = SkipOnset
