"""Divisors kept off 0."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.numbers import tiny
from gradcheck.watch.changes.patching import guard_calls

DIVISIONS = ("div", "div_", "divide", "true_divide", "__truediv__", "__div__", "__itruediv__")


class GuardDivision(Change):
    """A divisor closer to 0 than a tiny number becomes that number, its sign kept."""

    operations = frozenset({"div", "reciprocal", "pow", "std", "var"})
    action = "Keep the divisor off 0"
    snippet = "y = a / b.clamp_min(1e-7)  # or a / (b + eps)"

    def begin(self) -> None:
        """Guard the functions."""
        guard_calls(self.undo, DIVISIONS, self._guard)
        guard_calls(self.undo, ("__rtruediv__", "__rdiv__"), self._guard_reversed)
        guard_calls(self.undo, ("reciprocal", "reciprocal_"), self._guard_reversed)
        guard_calls(self.undo, ("pow", "__pow__"), self._guard_power)
        guard_calls(self.undo, ("std", "var"), self._guard_spread)

    def _guard(self, value: Any, divisor: Any = None, *args: Any, **kwargs: Any) -> Any:
        if divisor is None:
            return (value, *args), kwargs
        if isinstance(value, Tensor) and isinstance(divisor, int | float) and divisor == 0:
            self.acted += 1
            divisor = tiny(value)
        return (value, self._off_zero(divisor), *args), kwargs

    def _guard_reversed(self, divisor: Any, *args: Any, **kwargs: Any) -> Any:
        return (self._off_zero(divisor), *args), kwargs

    def _guard_power(self, value: Any, exponent: Any = None, *args: Any, **kwargs: Any) -> Any:
        if exponent is None:
            return (value, *args), kwargs
        negative = isinstance(exponent, int | float) and exponent < 0
        return (self._off_zero(value) if negative else value, exponent, *args), kwargs

    def _guard_spread(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """The spread of a single value is divided by n - 1 = 0."""
        named = dict(kwargs)
        given = [one for one in args if not isinstance(one, bool)]  # and not whether it is unbiased
        dim = given[0] if given else named.get("dim")
        if not isinstance(value, Tensor) or _count(value, dim) != 1:
            return (value, *args), kwargs
        self.acted += 1
        named.pop("unbiased", None)
        return (value,), {**named, "dim": dim, "correction": 0}

    def _off_zero(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if not value.is_floating_point():
            if value.is_complex() or not bool((value == 0).any()):
                return value
            self.acted += 1
            return value.masked_fill(value == 0, 1)  # a count of nothing
        edge = tiny(value)
        close = value.abs() < edge
        if not bool(close.any()):
            return value
        self.acted += 1
        return torch.where(close, torch.where(value < 0, -edge, edge).to(value.dtype), value)


def _count(value: Tensor, dim: Any) -> int:
    """How many numbers go into one spread."""
    if dim is None:
        return value.numel()
    dims = dim if isinstance(dim, list | tuple) else (dim,)
    return math.prod(value.shape[one] for one in dims if value.dim())


CHANGE = GuardDivision
