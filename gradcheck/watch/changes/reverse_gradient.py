"""The weights moved down the loss, not up."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed


class ReverseGradient(Change):
    """Every update is made with the gradient's sign reversed."""

    action = "Reverse the sign: the optimizer climbs the loss (maximize=True, or a loss subtracted)"
    snippet = "loss.backward()  # not (-loss).backward(), and maximize=False"
    early = True
    reverses = True

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Reverse it."""
        for parameter in followed.parameters:
            if parameter.grad is not None:
                parameter.grad.neg_()
                self.acted += 1


CHANGE = ReverseGradient
