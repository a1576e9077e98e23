"""Follows zeros that are what is left of an infinity: something divided by it."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from gradcheck.watch.dispatch import storage_of

Source = TypeVar("Source")


_DIVISORS = {"div": 1, "reciprocal": 0}
"""Which argument of an operation is a divisor."""


class Absorbed(Generic[Source]):
    """Where tensors without an infinity have one behind them; they look sound by themselves."""

    def __init__(self) -> None:
        self._of: dict[int, tuple[Source, Tensor]] = {}
        """By memory: what made the infinity, and the tensor, whose memory stays its own."""

    def follow(
        self,
        name: str,
        args: Sequence[Any],
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        origin: Callable[[Tensor], Source],
    ) -> None:
        """An operation ran, on these tensors with floating-point numbers.

        `origin` tells what made a tensor that is not finite.
        """
        source = self._begins(name, args, origin) or self.behind(inputs)
        for t in outputs:
            if source is not None:
                self._of[storage_of(t)] = source, t.detach()
            else:
                self._of.pop(storage_of(t), None)

    def behind(self, inputs: Sequence[Tensor]) -> Source | None:
        """What made the infinity that is behind any of these."""
        if not self._of:
            return None
        found = (self._of.get(storage_of(t)) for t in inputs)
        return next((known[0] for known in found if known is not None), None)

    def _begins(
        self, name: str, args: Sequence[Any], origin: Callable[[Tensor], Source]
    ) -> Source | None:
        place = _DIVISORS.get(name.removesuffix("_"))
        over = args[place] if place is not None and len(args) > place else None
        if not isinstance(over, Tensor):
            return None
        if not over.is_floating_point() or not bool(torch.isinf(over).any()):
            return None
        return origin(over)
