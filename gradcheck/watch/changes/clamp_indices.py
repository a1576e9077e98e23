"""Indices, classes and probabilities forced into their range."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.patching import guard_calls


class ClampIndices(Change):
    """Ids beyond their table become its last row; targets that are no class are not counted."""

    action = "Fix the ids, classes or probabilities that lie outside their range where data is read"
    snippet = "assert 0 <= ids.min() and ids.max() < embedding.num_embeddings"

    def begin(self) -> None:
        """Guard the functions."""
        guard_calls(self.undo, ("embedding", "embedding_bag"), self._guard_ids)
        guard_calls(self.undo, ("cross_entropy", "nll_loss"), self._guard_classes)
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

    def _within(self, ids: Tensor, size: int) -> Tensor:
        kept = ids.clamp(0, size - 1)
        if torch.equal(kept, ids):
            return ids
        self.acted += 1
        return kept

    def _guard_classes(self, scores: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(target, Tensor) and not target.is_floating_point():
            classes = scores.shape[1 if scores.dim() > 1 else 0]
            outside = (target < 0) | (target >= classes)
            ignored = kwargs.get("ignore_index", -100)
            outside &= target != ignored
            if bool(outside.any()):
                self.acted += 1
                target = target.masked_fill(outside, ignored)
        return (scores, target, *args), kwargs

    def _guard_probabilities(self, scores: Any, target: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(target, Tensor) and target.is_floating_point():
            kept = target.clamp(0.0, 1.0)
            if not torch.equal(kept, target):
                self.acted += 1
                target = kept
        return (scores, target, *args), kwargs


CHANGE = ClampIndices
