"""Looks at the targets that a loss keeps for backward: may a loss of its kind have them?"""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from gradcheck.model import Observation, Where
from gradcheck.watch import frames
from gradcheck.wording import number

_DEEPEST = 4
FIRST, EVERY, SELDOM = 8, 8, 64
"""Losses that are all looked at, and losses between two looks later on, with and without one of
the kind among those seen.
"""


class Targets:
    """Binary cross-entropy has a floor only for targets between 0 and 1."""

    def __init__(self) -> None:
        self._looks, self._every = 0, SELDOM
        self.found: Observation | None = None
        self._seen = False

    def is_due(self) -> bool:
        """Whether the next loss is one to look at."""
        self._looks += 1
        return self.found is None and (self._looks <= FIRST or not self._looks % self._every)

    def look(self, loss: Tensor, step: int, indices: Sequence[int] | None) -> None:
        """Look at the targets of this loss, if it is of that kind.

        `indices`: the samples of the batch that was loaded last.
        """
        target = _kept(loss.grad_fn)
        if target is None or not target.numel():
            return
        self._every, self._seen = EVERY, True
        low, high = (float(bound) for bound in torch.aminmax(target))
        if low < 0 or high > 1:
            line = frames.here()
            self.found = Observation(
                "probability_outside_range",
                f"the targets of a binary cross-entropy reach from {number(low)} to "
                f"{number(high)}, where it needs 0 to 1",
                step,
                where=Where(
                    "target",
                    file=line.file if line else None,
                    line=line.line if line else None,
                    samples=_outside(target, indices),
                ),
            )

    def in_range(self) -> Iterator[Observation]:
        """That nothing was found, once losses were looked at."""
        if self._looks and self.found is None:
            statement = (
                "no target of a binary cross-entropy that was looked at lies outside of 0 to 1"
                if self._seen
                else "no loss that was looked at is a binary cross-entropy, which needs targets "
                "from 0 to 1"
            )
            yield Observation("targets_in_range", statement, 0)


def _outside(target: Tensor, indices: Sequence[int] | None) -> tuple[int, ...] | None:
    """The samples with a target that is no probability, where it is known which they are."""
    if indices is None or not target.dim() or len(target) != len(indices):
        return None
    rows = ((target < 0) | (target > 1)).reshape(len(target), -1).any(1)
    return tuple(sorted({indices[row] for row in rows.nonzero().flatten().tolist()}))


def _kept(node: Any) -> Tensor | None:
    for _ in range(_DEEPEST):
        if node is None:
            return None
        if node.name().startswith("BinaryCrossEntropy"):
            raw = getattr(node, "_raw_saved_target", None)
            # unpacked, it would run the script's own hooks
            if raw is None or getattr(raw, "unpack_hook", None) is not None:
                return None
            target = getattr(raw, "data", None)
            return target.detach() if isinstance(target, Tensor) else None
        node = next((inner for inner, _ in node.next_functions if inner is not None), None)
    return None
