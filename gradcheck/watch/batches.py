"""Measures the batch that a DataLoader gives: ranges, damage, dataset indices."""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

from gradcheck.watch import tensors
from gradcheck.watch.followed import Batch
from gradcheck.watch.replay.tape import Tape


def look(iterator: Any, batch: Any, tape: Tape) -> Batch:
    """What is in a batch; the first tensor that is no target counts as the input."""
    items = list(tensors.named(batch))
    size = next((len(item) for _, item in items if item.dim()), 0)
    seen = Batch(tape.given(iterator, batch, size), items)
    for place, (name, item) in enumerate(items):
        if tensors.is_target(name, place, len(items)):
            seen.targets = seen.targets or tensors.extent(item)
        else:
            seen.inputs = seen.inputs or tensors.extent(item)
    return seen


def in_epoch(iterator: Any) -> int | None:
    """How many batches a pass over the data of this iterator's loader has; None if unknown."""
    sampler = getattr(iterator, "_index_sampler", None)  # private: it may be gone one day
    if not isinstance(sampler, Sized):
        return None
    try:
        return len(sampler)
    except (TypeError, NotImplementedError):  # the one that it draws from has no length
        return None
