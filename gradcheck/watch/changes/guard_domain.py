"""Arguments kept inside the domain of their function."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from typing import Any

from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.numbers import off_edge, tiny
from gradcheck.watch.changes.patching import guard_calls

DOMAINS = {
    ("acos", "arccos", "asin", "arcsin", "atanh", "arctanh", "erfinv", "acos_", "asin_"): (
        -1.0,
        1.0,
    ),
    ("logit",): (0.0, 1.0),
    ("acosh", "arccosh"): (1.0, math.inf),
    ("log1p",): (-1.0, math.inf),
    ("log", "log2", "log10", "sqrt", "rsqrt", "lgamma", "digamma"): (0.0, math.inf),
}


class GuardDomain(Change):
    """Inverse functions get arguments a little inside of where they and their slopes are finite."""

    operations = frozenset({"acos", "asin", "atanh", "erfinv", "pow"})
    action = "Keep the argument inside the function's domain, off its edges"
    snippet = "angle = torch.acos(x.clamp(-1 + 1e-6, 1 - 1e-6))"

    def begin(self) -> None:
        """Guard the functions."""
        for names, (low, high) in DOMAINS.items():
            guard_calls(self.undo, names, self._make(low, high))
        guard_calls(self.undo, ("pow", "__pow__"), self._guard_power)

    def _make(self, low: float, high: float) -> Any:
        def guard(value: Any, *args: Any, **kwargs: Any) -> Any:
            return (self._inside(value, low, high), *args), kwargs

        return guard

    def _guard_power(self, value: Any, exponent: Any = None, *args: Any, **kwargs: Any) -> Any:
        if exponent is None:
            return (value, *args), kwargs
        fraction = isinstance(exponent, float) and not exponent.is_integer()
        value = self._inside(value, 0.0, math.inf) if fraction else value
        return (value, exponent, *args), kwargs

    def _inside(self, value: Any, low: float, high: float) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point():
            return value
        edge = 10 * tiny(value)
        low += edge if low == 0.0 else max(edge, off_edge(value))
        high -= max(edge, off_edge(value))
        if not bool(((value < low) | (value > high)).any()):
            return value
        self.acted += 1
        return value.clamp(low, high)


CHANGE = GuardDomain
