"""A larger epsilon in the denominator of Adam and its kin."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed

EPSILON = 1e-4


class RaiseEpsilon(Change):
    """Optimizers that divide by a second moment get an epsilon that half precision can hold."""

    action = "Raise the optimizer's eps to 1e-4, which float16 can hold"
    snippet = "optimizer = torch.optim.AdamW(model.parameters(), lr=lr, eps=1e-4)"
    early = True

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Raise it."""
        for group in optimizer.param_groups:
            epsilon = group.get("eps")  # Adafactor's are two
            if isinstance(epsilon, float) and 0.0 < epsilon < EPSILON:
                self.undo.callback(group.__setitem__, "eps", epsilon)
                group["eps"] = EPSILON
                self.acted += 1


CHANGE = RaiseEpsilon
