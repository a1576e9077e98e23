"""Measures how long updates are beside the weights they change, in few steps far apart."""

# mypy: allow-untyped-calls
from __future__ import annotations

import torch
from torch import Tensor

from gradcheck.watch import tensors
from gradcheck.watch.followed import Followed

_EVERY_STEP = 3
MOST_BYTES = 1 << 30


class Updates:
    """Copies the weights before the steps 0, 1, 2, 4, 8, 16 ... and compares afterwards."""

    def __init__(self) -> None:
        self.ratios: list[tuple[int, float]] = []
        self.weight_norm: float | None = None
        """At the last measured step."""
        self._before: list[Tensor] | None = None

    def before(self, followed: Followed) -> None:
        """An update is about to be made."""
        step = followed.steps
        since = step - followed.begun_at
        due = since < _EVERY_STEP or since & (since - 1) == 0
        if not due or followed.place or not followed.parameters:
            return
        size = sum(p.numel() * p.element_size() for p in followed.parameters)
        if size <= MOST_BYTES:
            self._before = [p.detach().clone() for p in followed.parameters]

    def after(self, followed: Followed) -> float | None:
        """It was made: the ratio of its norm to that of the weights; None if not measured."""
        if self._before is None or followed.place:
            return None
        before, self._before = self._before, None
        if followed.withheld:
            return None
        norm, _ = tensors.total_norm(before, half=followed.half)
        with torch.no_grad():
            change = torch._foreach_sub([p.detach() for p in followed.parameters], before)
        length, _ = tensors.total_norm(list(change), half=followed.half)
        self.weight_norm = norm
        ratio = length / norm if norm > 0 else 0.0
        self.ratios.append((followed.steps, ratio))
        return ratio
