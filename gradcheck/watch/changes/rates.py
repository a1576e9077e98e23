"""What all changes of the learning rate share: another rate for each step, and back again."""

from __future__ import annotations

from typing import Any

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.followed import Followed
from gradcheck.watch.probe import Probe


class RateChange(Change):
    """Sets each group's rate when a step begins, and puts it back, for schedules to go on from."""

    early = True

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._rates: dict[int, list[Any]] = {}

    def changed(self, rate: Any) -> Any:
        """The rate to take in the place of the script's; the same where there is nothing to do."""
        raise NotImplementedError

    def before_step(self, optimizer: Optimizer) -> None:
        """Change it for this step."""
        self._rates[id(optimizer)] = [group.get("lr") for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            rate = group.get("lr")
            new = rate if rate is None else self.changed(rate)
            if new is not rate:
                group["lr"] = new
                self.acted += 1

    def after_update(self, optimizer: Optimizer, followed: Followed) -> None:
        """Put it back."""
        rates = self._rates.pop(id(optimizer), ())
        for group, rate in zip(optimizer.param_groups, rates, strict=False):
            if rate is not None:
                group["lr"] = rate
