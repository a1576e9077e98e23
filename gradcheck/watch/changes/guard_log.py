"""Logarithms of at least a tiny number."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from torch import Tensor

from gradcheck.watch.changes.at_least import positive
from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.numbers import off_edge
from gradcheck.watch.changes.patching import guard_calls

LOGARITHMS = ("log", "log_", "log2", "log2_", "log10", "log10_")


class GuardLog(Change):
    """The argument of every logarithm is kept off 0 and what lies below."""

    operations = frozenset({"log", "log2", "log10", "log1p", "xlogy", "binary_cross_entropy"})
    action = "Keep the argument of the logarithm off 0, or take it from logits with log_softmax"
    snippet = "y = torch.log(p.clamp_min(1e-7))"

    def begin(self) -> None:
        """Guard the functions."""
        guard_calls(self.undo, LOGARITHMS, self._guard)
        guard_calls(self.undo, ("log1p", "log1p_"), self._guard_log1p)
        guard_calls(self.undo, ("xlogy", "xlog1py"), self._guard_xlogy)
        guard_calls(self.undo, ("binary_cross_entropy",), self._guard_first)

    def _guard(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        return (positive(self, value), *args), kwargs

    def _guard_log1p(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, Tensor) and value.is_floating_point() and bool((value <= -1).any()):
            self.acted += 1
            value = value.clamp_min(-1 + off_edge(value))
        return (value, *args), kwargs

    def _guard_xlogy(self, factor: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
        return (factor, positive(self, value), *args), kwargs

    def _guard_first(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, Tensor) and value.is_floating_point():
            edge = off_edge(value)
            if bool(((value <= 0) | (value >= 1)).any()):
                self.acted += 1
                value = value.clamp(edge, 1 - edge)
        return (value, *args), kwargs


CHANGE = GuardLog
