"""Accumulated gradients divided by how many losses they come from."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch import Tensor
from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.followed import Followed
from gradcheck.watch.probe import Probe


class AverageAccumulated(Change):
    """An update after several backward passes uses their mean, not their sum."""

    action = "Divide the loss by the number of accumulated batches"
    snippet = "(loss / accumulation_steps).backward()"
    early = True

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._losses = 0

    def loss(self, loss: Tensor) -> None:
        """Count."""
        self._losses += 1

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Divide."""
        if self._losses > 1:
            for parameter in followed.parameters:
                if parameter.grad is not None:
                    parameter.grad.div_(self._losses)
            self.acted += 1
        self._losses = 0


CHANGE = AverageAccumulated
