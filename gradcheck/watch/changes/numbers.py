"""Small and large numbers that a type can hold with room to spare."""

from __future__ import annotations

import torch
from torch import Tensor

HALF = (torch.float16, torch.bfloat16)


def tiny(value: Tensor) -> float:
    """What to add to a number that must not be 0: its reciprocal and logarithm are harmless."""
    return 1e-4 if value.dtype in HALF else 1e-7


def off_edge(value: Tensor) -> float:
    """How far to stay away from an edge at 1 or -1, where a type's numbers lie further apart."""
    return max(tiny(value), 2 * torch.finfo(value.dtype).eps)


def highest_exponent(value: Tensor) -> float:
    """The largest argument of an exponential whose result can still be added up and squared."""
    return 5.0 if value.dtype is torch.float16 else 40.0
