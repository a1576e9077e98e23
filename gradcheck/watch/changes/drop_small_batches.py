"""Batches with fewer samples than the others left out."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.loading import DROP
from gradcheck.watch.probe import Probe


class DropSmallBatches(Change):
    """A batch that holds fewer samples than the largest so far never reaches the script."""

    action = "Drop the last, smaller batch of an epoch"
    snippet = "loader = DataLoader(dataset, batch_size=32, shuffle=True, drop_last=True)"
    early = True

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        super().__init__(probe, trouble)
        self._usual = 0

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
