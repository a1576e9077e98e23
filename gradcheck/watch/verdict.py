"""What is said of one operation that made a non-finite number."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Verdict:
    """What is wrong with an operation: the key of an observation, and words for it."""

    key: str
    words: str
    rows: tuple[int, ...] = ()
    """Rows of the first dimension at which the argument is at fault."""
    values: Mapping[str, float] = field(default_factory=dict)


Look = Callable[[Sequence[Any], Mapping[str, Any], list[Tensor]], Verdict | None]
"""Looks at arguments, keywords and results of an operation; None where they are not at fault."""


def rows_of(mask: Tensor) -> tuple[int, ...]:
    """Places along the first dimension at which anything is set, the first thousand."""
    if mask.dim() == 0 or not len(mask):
        return ()
    return tuple(int(row) for row in mask.reshape(len(mask), -1).any(1).nonzero().flatten()[:1000])


def share_of(mask: Tensor) -> str:
    """How many of how many are set, in words."""
    return f"{int(mask.sum())} of {mask.numel()}"


def tensor_of(value: Any) -> Tensor | None:
    """An argument as a tensor; None where it is none and no number."""
    if isinstance(value, Tensor):
        return value.detach()
    if isinstance(value, int | float):
        return torch.tensor(float(value))
    return None
