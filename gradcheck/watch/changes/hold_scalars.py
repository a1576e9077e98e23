"""Single learned numbers, such as a temperature, kept where they began."""

# mypy: allow-untyped-calls
from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.followed import Followed
from gradcheck.watch.probe import Probe

SHARE, SMALLEST = 0.5, 0.1


class HoldScalars(Change):
    """Parameters of one element stay within half of what they were at the start, to either side."""

    action = "Bound the learned temperature: clamp it after every update, or fix it"
    snippet = "with torch.no_grad():\n    model.logit_scale.clamp_(0, math.log(100))"
    early = True

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._first: dict[int, Tensor] = {}

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Remember the first value."""
        for parameter in followed.parameters:
            if parameter.numel() == 1 and id(parameter) not in self._first:
                self._first[id(parameter)] = parameter.detach().clone()

    @torch.no_grad()
    def after_update(self, optimizer: Optimizer, followed: Followed) -> None:
        """Put it back within its bounds."""
        for parameter in followed.parameters:
            first = self._first.get(id(parameter))
            if first is None:
                continue
            near = SHARE * first  # 0, by which it may divide, is out of reach
            far = first + torch.where(first < 0, -1.0, 1.0) * (SHARE * first.abs()).clamp_min(
                SMALLEST
            )
            near = torch.where(first == 0, -far, near)
            held = parameter.clamp(torch.minimum(near, far), torch.maximum(near, far))
            self.acted += not torch.equal(held, parameter)
            parameter.copy_(held)


CHANGE = HoldScalars
