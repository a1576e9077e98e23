"""Indices, classes and probabilities forced into their range."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.patching import guard_calls

CLASSES = ("cross_entropy", "nll_loss", "cross_entropy_loss", "nll_loss_nd")
"""Losses of class indices; the fifth argument of each is the class that does not count."""


class ClampIndices(Change):
    """Ids beyond their table become its last row; targets that are no class are not counted."""

    action = "Fix the ids, classes or probabilities that lie outside their range where data is read"
    snippet = "assert 0 <= ids.min() and ids.max() < embedding.num_embeddings"

    def begin(self) -> None:
        """Guard the functions."""
        guard_calls(self.undo, ("embedding", "embedding_bag"), self._guard_ids)
        guard_calls(self.undo, CLASSES, self._guard_classes)
        guard_calls(self.undo, ("gather", "index_select"), self._guard_places)
        guard_calls(self.undo, ("__getitem__",), self._guard_subscript)
        guard_calls(
            self.undo,
            ("binary_cross_entropy", "binary_cross_entropy_with_logits"),
            self._guard_probabilities,
        )

    def _guard_ids(self, ids: Any, table: Any, *args: Any, **kwargs: Any) -> Any:
        # torch.embedding takes the table first, torch.nn.functional.embedding the ids
        if isinstance(ids, Tensor) and isinstance(table, Tensor):
            if ids.is_floating_point():
                return (ids, self._within(table, len(ids)), *args), kwargs
            ids = self._within(ids, len(table))
        return (ids, table, *args), kwargs

    def _within(self, ids: Tensor, size: int, low: int = 0) -> Tensor:
        kept = ids.clamp(low, size - 1)
        if torch.equal(kept, ids):
            return ids
        self.acted += 1
        return kept

    def _guard_classes(self, scores: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(target, Tensor) and not target.is_floating_point():
            classes = scores.shape[1 if scores.dim() > 1 else 0]
            outside = (target < 0) | (target >= classes)
            ignored = kwargs.get("ignore_index", args[2] if len(args) > 2 else -100)
            outside &= target != ignored
            if bool(outside.any()):
                self.acted += 1
                target = target.masked_fill(outside, ignored)
        return (scores, target, *args), kwargs

    def _guard_places(self, source: Any, *args: Any, **kwargs: Any) -> Any:
        known = {**dict(zip(("dim", "index"), args, strict=False)), **kwargs}
        dim, index = known.get("dim"), known.get("index")
        if isinstance(source, Tensor) and isinstance(dim, int) and isinstance(index, Tensor):
            known["index"] = self._within(index, source.shape[dim])
            return (source,), known
        return (source, *args), kwargs

    def _guard_subscript(self, source: Any, index: Any) -> Any:
        """Tables that are indexed with tensors: `logits[rows, labels]`."""
        parts = index if isinstance(index, tuple) else (index,)
        if not isinstance(source, Tensor) or not any(map(_is_places, parts)):
            return (source, index), {}
        if any(not (_is_places(part) or isinstance(part, slice)) for part in parts):
            return (source, index), {}  # which dimension each of them is for is not told
        sizes = zip(parts, source.shape, strict=False)
        kept = tuple(
            self._within(part, size, low=-size) if _is_places(part) else part
            for part, size in sizes
        )
        return (source, kept if isinstance(index, tuple) else kept[0]), {}

    def _guard_probabilities(self, scores: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(target, Tensor) and target.is_floating_point():
            kept = target.clamp(0.0, 1.0)
            if not torch.equal(kept, target):
                self.acted += 1
                target = kept
        return (scores, target, *args), kwargs


def _is_places(index: Any) -> bool:
    """Whether it is a tensor of indices, and no mask."""
    if not isinstance(index, Tensor):
        return False
    return not index.is_floating_point() and index.dtype not in (torch.bool, torch.uint8)


CHANGE = ClampIndices
