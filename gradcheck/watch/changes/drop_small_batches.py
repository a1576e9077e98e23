"""Batches with fewer samples than the others left out."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.changes.model_inputs import before_models
from gradcheck.watch.followed import Followed
from gradcheck.watch.loading import DROP
from gradcheck.watch.probe import Probe


class DropSmallBatches(Change):
    """A batch that holds fewer samples than the largest so far never reaches the script.

    Where no loader makes the batches, the update of such a step is left out.
    """

    action = "Drop the last, smaller batch of an epoch"
    snippet = "loader = DataLoader(dataset, batch_size=32, shuffle=True, drop_last=True)"
    early = True

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._usual = 0
        self._given, self._most = 0, 0
        """Rows that models were given in this step, and the most in any."""

    def begin(self) -> None:
        """See what models are given."""
        before_models(self, self._see)

    def _see(self, value: Any) -> Any:
        if isinstance(value, Tensor) and value.dim():
            self._given = max(self._given, len(value))
        return value

    def rescue(self, followed: Followed, tick: int) -> bool:
        """Whether the step that is not finite worked on a small batch."""
        return self._is_small()

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """The update of a small batch is left out even where it is finite."""
        if not followed.withheld and self._is_small():
            self.probe.withhold(followed)

    def _is_small(self) -> bool:
        given, self._given = self._given, 0
        self._most = max(self._most, given)
        small = not self._usual and 0 < given < self._most
        self.acted += small
        return small

    def batch(self, iterator: Any, batch: Any, indices: Sequence[int] | None) -> Any:
        """Pass on those of the usual size."""
        size = len(indices) if indices is not None else 0
        self._usual = max(self._usual, size, _promised(iterator))
        if 0 < size < self._usual:
            self.acted += 1
            return DROP
        return batch


def _promised(iterator: Any) -> int:
    """How many samples a batch of this loader holds, as far as its sampler says."""
    size = getattr(getattr(iterator, "_index_sampler", None), "batch_size", 0)
    return size if isinstance(size, int) else 0


CHANGE = DropSmallBatches
