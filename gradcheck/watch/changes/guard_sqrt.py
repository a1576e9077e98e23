"""Square roots, fractional powers and deviations kept off 0."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.at_least import positive
from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.numbers import tiny
from gradcheck.watch.changes.patching import guard_calls, replace_calls


class GuardSqrt(Change):
    """The argument of a root is kept off 0, where its derivative is infinite."""

    operations = frozenset(
        {"sqrt", "rsqrt", "pow", "norm", "linalg_vector_norm", "std", "atan2", "hypot"}
    )
    action = "Keep the argument of the root off 0: its derivative there is infinite"
    snippet = "y = torch.sqrt(x.clamp_min(1e-7))  # or torch.sqrt(x + eps)"

    def begin(self) -> None:
        """Guard the functions."""
        guard_calls(self.undo, ("sqrt", "sqrt_", "rsqrt", "rsqrt_"), self._guard)
        guard_calls(self.undo, ("pow", "__pow__", "pow_", "float_power"), self._guard_power)
        replace_calls(self.undo, ("std",), self._make_std)
        replace_calls(self.undo, ("norm", "vector_norm"), self._make_norm)
        guard_calls(self.undo, ("atan2", "arctan2"), self._guard_angle)

    def _guard(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return (positive(self, value), *args), kwargs

    def _guard_power(self, value: Any, exponent: Any = None, *args: Any, **kwargs: Any) -> Any:
        fraction = isinstance(exponent, float) and exponent < 1 and not exponent.is_integer()
        if isinstance(exponent, Tensor) and exponent.is_floating_point():
            fraction = bool(((exponent < 1) & (exponent != exponent.round())).any())
        if exponent is None:
            return (value, *args), kwargs
        return (positive(self, value) if fraction else value, exponent, *args), kwargs

    def _guard_angle(self, y: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(x, Tensor) and isinstance(y, Tensor) and x.is_floating_point():
            both = (x == 0) & (y == 0)
            if bool(both.any()):
                self.acted += 1
                x = torch.where(both, torch.full_like(x, tiny(x)), x)
        return (y, x, *args), kwargs

    def _make_std(self, real: Any) -> Any:
        def std(value: Any, *args: Any, **kwargs: Any) -> Any:
            deviation = real(value, *args, **kwargs)
            edge = tiny(deviation)
            if bool((deviation.square() >= edge).all()) or not bool(torch.isfinite(value).all()):
                return deviation
            self.acted += 1
            variance = torch.nan_to_num(torch.var(value, *args, **kwargs))  # NaN of one value
            return variance.clamp_min(edge).sqrt()

        return std

    def _make_norm(self, real: Any) -> Any:
        def norm(value: Any, *args: Any, **kwargs: Any) -> Any:
            if not isinstance(value, Tensor) or not value.requires_grad:
                return real(value, *args, **kwargs)
            empty = value == 0
            if not bool(empty.any()):
                return real(value, *args, **kwargs)
            self.acted += 1
            return real(value.masked_fill(empty, tiny(value)), *args, **kwargs)

        return norm


CHANGE = GuardSqrt
