"""A tenth of the learning rate."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any, ClassVar

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.followed import Followed
from gradcheck.watch.probe import Probe

FACTOR = 0.1


class LowerLearningRate(Change):
    """Every update is made with a tenth of the rate that the script set."""

    action = "Divide the learning rate by 10"
    snippet = "optimizer = torch.optim.AdamW(model.parameters(), lr=lr / 10)"
    early = True
    factor: ClassVar[float] = FACTOR

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._rates: dict[int, list[Any]] = {}

    def advice(self) -> str:
        """The rate it was, and the rate it should be."""
        rate = self.trouble.rate
        return self.action if not rate else f"{self.action}: {rate / 10:.2g} instead of {rate:.2g}"

    def before_step(self, optimizer: Optimizer) -> None:
        """Lower it for this step."""
        self._rates[id(optimizer)] = [group.get("lr") for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            if "lr" in group:
                group["lr"] = group["lr"] * self.factor
                self.acted += 1

    def after_update(self, optimizer: Optimizer, followed: Followed) -> None:
        """Put it back, for schedulers to go on from."""
        for group, rate in zip(
            optimizer.param_groups, self._rates.pop(id(optimizer), ()), strict=False
        ):
            if rate is not None:
                group["lr"] = rate


CHANGE = LowerLearningRate
