"""Running statistics put back where a batch made them non-finite."""

# mypy: allow-untyped-calls
from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.followed import Followed
from gradcheck.watch.probe import Probe


class RepairBuffers(Change):
    """Floating-point buffers that are not finite after an update go back to their last values."""

    action = "Keep bad batches out of the running statistics: check them before the forward pass"
    snippet = "if not torch.isfinite(x).all():\n    continue  # before model(x)"
    early = True

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._good: dict[str, Tensor] = {}

    @torch.no_grad()
    def after_update(self, optimizer: Optimizer, followed: Followed) -> None:
        """Put them back, or remember them."""
        for name, buffer in self.probe.optimizers.names.buffers().items():
            if bool(torch.isfinite(buffer).all()):
                self._good[name] = buffer.clone()
            elif name in self._good:
                buffer.copy_(self._good[name])
                self.acted += 1


CHANGE = RepairBuffers
