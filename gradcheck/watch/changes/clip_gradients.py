"""Gradients clipped by their global norm, right before the update."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math

import torch
from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed


class ClipGradients(Change):
    """Every update is made with a gradient of at most the usual norm."""

    action = "Clip the gradient norm right before the optimizer step"
    snippet = "torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)\noptimizer.step()"
    early = True
    clips = True

    @property
    def limit(self) -> float:
        """The norm to clip at."""
        return self.trouble.norm or 1.0

    def advice(self) -> str:
        """With the norm."""
        usual = "the usual norm of this run" if self.trouble.norm else "for want of a usual norm"
        return f"{self.action}, at {self.limit:.2g} ({usual})"

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """Clip what is longer."""
        norm = followed.norm
        if math.isfinite(norm) and norm > self.limit:
            grads = [p.grad for p in followed.parameters if p.grad is not None]
            with torch.no_grad():
                for grad in grads:
                    grad.mul_(self.limit / norm)
            self.acted += 1


CHANGE = ClipGradients
