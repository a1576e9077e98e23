"""A shorter memory of the second moment."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed

BETA2 = 0.95


class LowerBeta2(Change):
    """Adam and its kin forget old squares of gradients sooner."""

    action = "Lower Adam's beta2 to 0.95, so that the second moment follows the gradient"
    snippet = "optimizer = torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.95))"
    early = True

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Lower it."""
        for group in optimizer.param_groups:
            betas = group.get("betas")
            if betas is not None and len(betas) == 2 and betas[1] > BETA2:
                self.undo.callback(group.__setitem__, "betas", betas)
                group["betas"] = (min(betas[0], BETA2), BETA2)
                self.acted += 1
                for parameter in group["params"]:
                    _carry_over(optimizer.state.get(parameter, {}), float(betas[1]))


def _carry_over(state: dict[str, Any], beta2: float) -> None:
    """Have the second moment mean the same after its correction for a short memory."""
    steps, square = state.get("step"), state.get("exp_avg_sq")
    if steps and square is not None:
        square.mul_((1 - BETA2 ** float(steps)) / (1 - beta2 ** float(steps)))


CHANGE = LowerBeta2
