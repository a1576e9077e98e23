"""Exponentials of bounded numbers."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.numbers import highest_exponent
from gradcheck.watch.changes.patching import guard_calls

EXPONENTIALS = ("exp", "exp_", "exp2", "exp2_", "expm1", "expm1_")
BOTH_WAYS = ("sinh", "sinh_", "cosh", "cosh_")


class GuardExponential(Change):
    """The argument of an exponential stays below what its type can hold the result of."""

    operations = frozenset({"exp", "exp2", "expm1", "sinh", "cosh"})
    action = "Bound the argument of the exponential, or subtract its maximum first (logsumexp)"
    snippet = "y = torch.exp(x.clamp_max(40.0))"

    def begin(self) -> None:
        """Guard the functions."""
        guard_calls(self.undo, EXPONENTIALS, self._guard)
        guard_calls(self.undo, BOTH_WAYS, self._guard_both)

    def _guard(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, Tensor) and value.is_floating_point():
            most = highest_exponent(value)
            if bool((value > most).any()):
                self.acted += 1
                value = value.clamp_max(most)
        return (value, *args), kwargs

    def _guard_both(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(value, Tensor) and value.is_floating_point():
            most = highest_exponent(value)
            if bool((value.abs() > most).any()):
                self.acted += 1
                value = value.clamp(-most, most)
        return (value, *args), kwargs


CHANGE = GuardExponential
