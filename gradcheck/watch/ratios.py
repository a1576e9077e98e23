"""Knows the probability ratios of policy gradients: exp of a learned logarithm less an old one."""

# mypy: allow-untyped-calls
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from gradcheck.watch import frames
from gradcheck.watch.dispatch import is_plain, strided_in
from gradcheck.watch.storages import Storages

_CARRIED = frozenset(
    {"sum", "mean", "view", "squeeze", "unsqueeze", "clone", "_to_copy", "clamp", "neg", "mul"}
)
_NAMES = re.compile(
    r"(?<![a-z])(ratios?|rho|old|behaviou?r|importance|log_?pi?|log_?probs?|log_?p|\w*_?lp)(?![a-z])"
)
"""What people call the two: exp of a difference may as well be the error of a target."""


class Ratios:
    """Differences, of the same shape, of what has a gradient and what was written down before."""

    def __init__(self) -> None:
        self._differences = Storages()

    def follow(self, name: str, args: Sequence[Any], result: Any) -> None:
        """An operation ran: is its result such a difference, or one carried on?"""
        given = [one for one in args[:2] if isinstance(one, Tensor) and is_plain(one)]
        made = name == "sub" and len(given) == 2 and _is_mixed(*given)
        carried = name in _CARRIED and bool(given) and self._holds(given[0])
        for out in strided_in((result,), {}):
            self._differences.put(out, is_in=made or carried)

    def is_ratio(self, name: str, args: Sequence[Any]) -> bool:
        """Whether an operation is the exponential of such a difference, and is called like one."""
        if name not in ("exp", "exp_") or not is_plain(args[0]) or not self._holds(args[0]):
            return False
        line = frames.here()
        return line is not None and _NAMES.search(line.expression.lower()) is not None

    def _holds(self, t: Tensor) -> bool:
        return t in self._differences


def _is_mixed(one: Tensor, other: Tensor) -> bool:
    return bool(one.dim()) and one.shape == other.shape and one.requires_grad != other.requires_grad
