"""A set of tensors by their memory, which forgets them when it is freed: another may lie there."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from gradcheck.watch.dispatch import storage_of


class Storages:
    """Whether the memory of a tensor, or of what it is a view of, was put in."""

    def __init__(self) -> None:
        self._held: dict[int, StorageWeakRef] = {}

    def put(self, t: Tensor, *, is_in: bool = True) -> None:
        """Put it in, or take it out."""
        if is_in:
            self._held[storage_of(t)] = StorageWeakRef(t.untyped_storage())
        else:
            self._held.pop(storage_of(t), None)

    def __contains__(self, t: Tensor) -> bool:
        held = self._held.get(storage_of(t))
        return held is not None and not held.expired()
