"""Masks of a large finite number instead of minus infinity."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.patching import guard_calls


class GuardSoftmax(Change):
    """A softmax whose row is masked as a whole gives a uniform one, not NaN."""

    operations = frozenset({"softmax", "log_softmax", "logsumexp"})
    action = "Never mask a whole row: use a large negative number, or zero the rows afterwards"
    snippet = "scores = scores.masked_fill(mask, torch.finfo(scores.dtype).min / 2)"

    def begin(self) -> None:
        """Guard the functions."""
        guard_calls(self.undo, ("softmax", "log_softmax", "logsumexp", "softmin"), self._guard)
        guard_calls(self.undo, ("scaled_dot_product_attention",), self._guard_attention)

    def _guard(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return (self._finite(value), *args), kwargs

    def _guard_attention(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        if len(args) > 2:
            args = (*args[:2], self._mask(args[2]), *args[3:])
        elif isinstance(kwargs.get("attn_mask"), Tensor):
            kwargs = {**kwargs, "attn_mask": self._mask(kwargs["attn_mask"])}
        return (query, *args), kwargs

    def _mask(self, mask: Any) -> Any:
        if not isinstance(mask, Tensor):
            return mask
        if mask.dtype is torch.bool:
            empty = ~mask.any(-1, keepdim=True)
            self.acted += bool(empty.any())
            return mask | empty
        return self._finite(mask)

    def _finite(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return value
        masked = value == -math.inf
        if not bool(masked.any()):
            return value
        self.acted += 1
        return value.masked_fill(masked, torch.finfo(value.dtype).min / 2)


CHANGE = GuardSoftmax
