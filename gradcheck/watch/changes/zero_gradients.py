"""Gradients cleared after every update."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed


class ZeroGradients(Change):
    """What an update has used is gone before the next backward."""

    action = "Clear the gradients in every step: optimizer.zero_grad() before backward"
    snippet = "optimizer.zero_grad()\nloss.backward()\noptimizer.step()"
    early = True

    def after_update(self, optimizer: Optimizer, followed: Followed) -> None:
        """Clear them."""
        for parameter in followed.parameters:
            if parameter.grad is not None:
                parameter.grad = None
                self.acted += 1


CHANGE = ZeroGradients
