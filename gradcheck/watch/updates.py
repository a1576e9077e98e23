"""Measures how long updates are beside the weights they change, in few steps far apart."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gradcheck.model import Observation
from gradcheck.watch import tensors
from gradcheck.watch.followed import Followed, Step
from gradcheck.wording import number

_EVERY_STEP = 3
MOST_BYTES = 1 << 30
LEAST, ALONG = 2, 0.3
"""Updates to compare, and a cosine that weight decay does not come to."""


class Updates:
    """Copies the weights before the steps 0, 1, 2, 4, 8, 16 ... and compares afterwards."""

    def __init__(self) -> None:
        self.ratios: list[tuple[int, float]] = []
        self.weight_norm: float | None = None
        """At the last measured step."""
        self.cosines: list[tuple[int, float]] = []
        """Of the very first updates with the gradients they were made from."""
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
        if followed.steps - followed.begun_at < _EVERY_STEP and length > 0:
            self._compare(followed, change, length)
        ratio = length / norm if norm > 0 else 0.0
        self.ratios.append((followed.steps, ratio))
        return ratio

    def of(self, step: Step) -> tuple[float, float] | None:
        """The ratio of a step and the norm of the weights, where it was the last one measured."""
        if not self.ratios or step.optimizer or self.ratios[-1][0] != step.step:
            return None
        return self.ratios[-1][1], self.weight_norm or 0.0

    def _compare(self, followed: Followed, change: Sequence[Tensor], length: float) -> None:
        pairs = [
            (p.grad, by)
            for p, by in zip(followed.parameters, change, strict=True)
            if p.grad is not None and p.grad.layout == torch.strided
        ]
        if not pairs:
            return
        size, _ = tensors.total_norm([grad for grad, _ in pairs], half=followed.half)
        along = sum(float((grad.double() * by.double()).sum()) for grad, by in pairs)
        if size > 0 and math.isfinite(size):
            self.cosines.append((followed.steps, along / (size * length)))

    def observations(self) -> Iterator[Observation]:
        """Did the first updates go along the gradient? Later ones have a momentum of their own."""
        if len(self.cosines) >= LEAST and all(cosine > ALONG for _, cosine in self.cosines):
            step, cosine = self.cosines[0]
            yield Observation(
                "update_climbs",
                f"the first {len(self.cosines)} updates went along the gradient, not against it "
                f"(a cosine of {number(cosine)})",
                step,
            )
