"""Keeps track of which sample of the data set each row of a tensor belongs to."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

from gradcheck.watch import sources, tensors
from gradcheck.watch.dispatch import covers_storage, is_plain, storage_of, tensors_in

_SPLITS = ("split", "split_with_sizes")
_GATHERS = ("cat", "stack")
_RESHAPES = ("view", "_unsafe_view", "_reshape_alias")
"""What keeps the order of the numbers: the rows of a sample stay together."""
_CUTS = ("slice", *_SPLITS)


View = tuple[int, tuple[int, ...], tuple[int, ...]]
"""Where a tensor begins, its shape and its strides."""


class Rows:
    """Dataset indices by tensor; they travel with the rows from operation to operation."""

    def __init__(self) -> None:
        self._of: dict[View, tuple[StorageWeakRef, list[int]]] = {}
        """By what it is of which memory; what is freed there may be followed by something else."""
        self._storages: set[int] = set()
        self._tables: dict[int, int] = {}
        """Memory of the tables that rows were taken from, and how many rows they have."""
        self._lists = sources.Lists()
        self._put: dict[int, tuple[StorageWeakRef, dict[int, int]]] = {}
        """By memory: where in it samples of a list were copied to, to be padded, and which."""
        self.told = False
        """Whether a DataLoader said which samples a batch holds: no other table is the data set."""

    def know(self, t: Tensor, indices: list[int]) -> None:
        """Tell that the rows of a batch are these samples."""
        self.told = True
        self._set_rows(t, indices)

    def of(self, t: Tensor) -> list[int] | None:
        """The dataset index of each row of a tensor (or of each block of rows), where known."""
        if not is_plain(t):
            return None
        held, known = self._of.get(_view(t), (None, None))
        if held is None or held.expired():
            return self._padded(t)
        if not known or not t.dim() or not len(t) or len(t) % len(known):
            return None
        return known if t.stride(0) == max(t.stride()) else None  # else it is transposed

    def follow(self, name: str, args: Sequence[Any], kwargs: Any, result: Any) -> None:
        """Keep track of which dataset index each row of a tensor belongs to."""
        inputs = [t for t in tensors_in(args, kwargs) if is_plain(t) and t.dim()]
        if name == "copy_" and len(inputs) == 2:
            self._note_copy(*inputs)
        taken, begin = _rows_taken(name, args), 0
        gathered = self._gathered(name, args)
        for out in filter(is_plain, tensors_in((result,), {})):
            if out.dim() and name in _SPLITS and (len(args) < 3 or args[2] == 0):
                taken, begin = list(range(begin, begin + len(out))), begin + len(out)
            if gathered is not None and len(gathered) == len(out):
                self._set_rows(out, gathered)
            elif out.dim() and not any(out is t for t in inputs):
                self._follow_one(name, args, inputs, taken, out)

    def _gathered(self, name: str, args: Sequence[Any]) -> list[int] | None:
        """The places of samples that the script takes from a list of its own, row by row."""
        if name not in _GATHERS or self.told or (len(args) > 1 and args[1] != 0):
            return None
        pieces = list(args[0])
        if any(piece.requires_grad for piece in pieces):
            return None
        places = self._lists.places(pieces)
        if places is None or name == "stack":
            return places
        if not all(piece.dim() for piece in pieces):
            return None
        return [at for at, piece in zip(places, pieces, strict=True) for _ in range(len(piece))]

    def _note_copy(self, to: Tensor, piece: Tensor) -> None:
        """What was known of memory that is written over goes; a sample may become a part of it."""
        self._of.pop(_view(to), None)
        self._tables.pop(storage_of(to), None)
        known = self.of(piece) if piece.shape == to.shape else None
        if known is not None:
            self._set_rows(to, known)
        if self.told or piece.requires_grad or covers_storage(to):
            return
        places = self._lists.places([piece])
        if places is not None:
            held, put = self._put.get(storage_of(to), (None, {}))
            if held is None or held.expired():
                held, put = StorageWeakRef(to.untyped_storage()), {}
                self._put[storage_of(to)] = held, put
            put[int(to.storage_offset())] = places[0]

    def _padded(self, t: Tensor) -> list[int] | None:
        """The samples that were copied into each row of a tensor, one into each."""
        held, put = self._put.get(storage_of(t), (None, {}))
        if held is None or held.expired() or not t.dim() or not len(t) or len(put) != len(t):
            return None
        first, width = int(t.storage_offset()), int(t.stride(0))
        rows = [put.get(first + row * width) for row in range(len(t))]
        return [row for row in rows if row is not None] if None not in rows else None

    def _follow_one(
        self,
        name: str,
        args: Sequence[Any],
        inputs: list[Tensor],
        taken: list[int] | None,
        out: Tensor,
    ) -> None:
        if taken is not None and len(taken) == len(out) and is_plain(args[0]):
            source = self.of(args[0])
            if source is not None:
                per = len(args[0]) // len(source)
                self._set_rows(out, [source[i // per] for i in taken])
                return
            if self._may_be_table(name, args[0]):
                self._tables[storage_of(args[0])] = len(args[0])
                self._set_rows(out, taken)
                return
        known = next((k for t in inputs if len(t) == len(out) and (k := self.of(t))), None)
        if known is None and name in _RESHAPES and len(inputs) == 1:
            whole = self.of(inputs[0])
            known = whole if whole and len(out) and len(out) % len(whole) == 0 else None
        if known is not None:
            self._set_rows(out, known)
        elif not any(t.data_ptr() == out.data_ptr() for t in inputs):
            self._of.pop(_view(out), None)
            if not any(storage_of(t) == storage_of(out) for t in inputs):
                self._storages.discard(storage_of(out))
                self._tables.pop(storage_of(out), None)

    def _set_rows(self, t: Tensor, rows: list[int]) -> None:
        self._of[_view(t)] = StorageWeakRef(t.untyped_storage()), rows
        self._storages.add(storage_of(t))

    def _may_be_table(self, name: str, t: Tensor) -> bool:
        """Whether rows taken from a tensor are samples: it holds data, and no piece of a batch."""
        if self.told or t.requires_grad or (name in _CUTS and _is_list(t)):
            return False
        storage = storage_of(t)
        # inputs and targets may be columns of one table, and batches views of it
        columns = self._tables.get(storage) == len(t)
        return covers_storage(t) or columns or storage not in self._storages

    def samples(self, rows: Sequence[int], near: list[Tensor]) -> tuple[int, ...]:
        """Dataset indices of these rows of the first tensor whose rows are known."""
        for t in near:
            known = self.of(t)
            if known:
                per = len(t) // len(known)
                return tuple(sorted({known[row // per] for row in rows if row < len(t)}))
        return ()

    def bad(
        self, inputs: list[Tensor], outputs: list[Tensor]
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows of the batch that are not finite, and their dataset indices, where known."""
        for t in [*inputs, *outputs]:
            known = self.of(t)
            if known:
                per = len(t) // len(known)
                rows = sorted({row // per for row in tensors.nonfinite_rows(t)})
                return tuple(rows), tuple(sorted({known[row] for row in rows}))
        return (), ()


def _view(t: Tensor) -> View:
    return t.data_ptr(), tuple(t.shape), t.stride()


def _is_list(t: Tensor) -> bool:
    """Whether it may be a list of indices that is cut into batches."""
    return t.dim() == 1 and t.dtype == torch.int64


def _rows_taken(name: str, args: Sequence[Any]) -> list[int] | None:
    """The rows of a table that an operation picks along its first dimension."""
    if name == "index" and len(args[1]) == 1 and isinstance(args[1][0], Tensor):
        index = args[1][0]
        return index.tolist() if _is_list(index) else None
    if name == "index_select" and args[1] == 0:
        rows: list[int] = args[2].tolist()
        return rows
    if name == "slice" and args[0].dim() and (len(args) < 2 or args[1] == 0):
        given = list(args[2:5]) + [None, None, 1][len(args[2:5]) :]
        taken = list(range(len(args[0]))[slice(*given)])
        return taken if len(taken) < len(args[0]) else None
    return None
