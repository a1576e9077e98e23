"""Keeps what goes into a function off 0 and what lies below, for the guards that need it."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.numbers import tiny


def positive(change: Change, value: Any) -> Any:
    """The value, or where it is smaller a tiny positive number; the change has acted then."""
    if not isinstance(value, Tensor) or not value.is_floating_point():
        return value
    edge = tiny(value)
    if not bool((value < edge).any()):
        return value
    change.acted += 1
    return value.clamp_min(edge)
