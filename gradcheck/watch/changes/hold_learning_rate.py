"""The learning rate from before it jumped."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.followed import Followed
from gradcheck.watch.probe import Probe

ABOVE = 1.05
"""How far above the usual rate one counts as higher."""


class HoldLearningRate(Change):
    """No update is made with a higher rate than was usual before the failure."""

    action = "Keep the learning rate where it was before the jump"
    snippet = "scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)"
    early = True

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._rates: dict[int, list[Any]] = {}

    def advice(self) -> str:
        """With the rate that was usual."""
        rate = self.trouble.rate
        return f"{self.action}: at most {rate:.2g}" if rate else self.action

    def before_step(self, optimizer: Optimizer) -> None:
        """Hold it down for this step."""
        limit = self.trouble.rate
        self._rates[id(optimizer)] = [group.get("lr") for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            if limit and float(group.get("lr", 0.0)) > limit * ABOVE:
                group["lr"] = limit
                self.acted += 1

    def after_update(self, optimizer: Optimizer, followed: Followed) -> None:
        """Put it back, for schedulers to go on from."""
        for group, rate in zip(
            optimizer.param_groups, self._rates.pop(id(optimizer), ()), strict=False
        ):
            if rate is not None:
                group["lr"] = rate


CHANGE = HoldLearningRate
