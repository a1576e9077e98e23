"""Remembers which batches a script got, so that a replay gets the same ones."""

# mypy: allow-untyped-calls
from __future__ import annotations

import itertools
import pickle
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch.utils.data import Subset
from torch.utils.data.dataloader import _DatasetKind

_END = object()
LENGTH = 128
"""Batches of loaders with workers that are kept."""


class Tape:
    """Indices drawn and batches given, by loader iterator in the order of their first use."""

    def __init__(self) -> None:
        self.in_process = False
        """In a replay, whose workers belong to another process."""
        self._serials: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._waiting: weakref.WeakKeyDictionary[Any, list[Any]] = weakref.WeakKeyDictionary()
        self._given: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._streamed: weakref.WeakKeyDictionary[Any, int] = weakref.WeakKeyDictionary()
        self._next = itertools.count()
        self._kept: deque[tuple[int, int, Any]] = deque(maxlen=LENGTH)
        self._taped: dict[tuple[int, int], Any] = {}
        self._fetchers: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()

    def indexed(self, iterator: Any, index: Any) -> None:
        """The sampler gave the indices of a batch."""
        self._waiting.setdefault(iterator, []).append(index)

    def given(self, iterator: Any, batch: Any, size: int) -> list[int] | None:
        """A batch of this size was given; the dataset indices, or places in a stream, of its rows.

        None where they are unknown: batches that another sampler made, or workers that share a
        stream.
        """
        queue = self._waiting.get(iterator)
        index = queue.pop(0) if queue else None
        if self._has_workers(iterator):
            self._kept.append((*self._place(iterator), batch))
        known = [index] if isinstance(index, int) else index
        if not isinstance(known, list | tuple) or not known:
            return None
        if all(isinstance(one, int) for one in known):
            return _of_whole(getattr(iterator, "_dataset", None), list(known))
        if known[0] is not None or self._has_workers(iterator):
            return None
        begin = self._streamed.get(iterator, 0)
        self._streamed[iterator] = begin + size
        return list(range(begin, begin + size))

    def _has_workers(self, iterator: Any) -> bool:
        workers: int = getattr(iterator, "_num_workers", 0)
        return workers > 0

    def _place(self, iterator: Any) -> tuple[int, int]:
        serial = self._serials.get(iterator)
        if serial is None:
            serial = self._serials[iterator] = next(self._next)
        count = self._given.get(iterator, 0)
        self._given[iterator] = count + 1
        return serial, count

    def save(self, folder: Path) -> Path | None:
        """Write what is kept for a replay to read; None where there is nothing to write."""
        if not self._kept:
            return None
        file = folder / "tape"
        with file.open("wb") as opened:
            try:
                pickle.dump(list(self._kept), opened)
            except (pickle.PicklingError, TypeError, AttributeError):
                opened.truncate(0)
        return file

    def load(self, path: Path) -> None:
        """Read what the training itself has just written."""
        with path.open("rb") as opened:
            try:
                kept = pickle.load(opened)
            except (EOFError, pickle.UnpicklingError):
                return
        self._taped = {(serial, count): batch for serial, count, batch in kept}

    def next(self, iterator: Any, change: Callable[[Any], Any]) -> tuple[Any, ...] | None:
        """In a replay, the next batch of a loader whose workers are out of reach; else None.

        An empty tuple where its data are at an end. `change` gives the indices to load in the
        place of those that were drawn.
        """
        if not self.in_process or not self._has_workers(iterator):
            return None
        queue = self._waiting.setdefault(iterator, [])
        if not queue:
            following = next(iterator._sampler_iter, _END)
            if following is _END:
                return ()
            queue.append(following)
        place = (self._serials.get(iterator, -1), self._given.get(iterator, 0))
        drawn, queue[0] = queue[0], change(queue[0])
        if place in self._taped and queue[0] is drawn:
            return (self._taped[place],)
        return (self._fetch(iterator, queue[0]),)

    def _fetch(self, iterator: Any, index: Any) -> Any:
        fetcher = self._fetchers.get(iterator)
        if fetcher is None:
            fetcher = _DatasetKind.create_fetcher(
                iterator._dataset_kind,
                iterator._dataset,
                iterator._auto_collation,
                iterator._collate_fn,
                iterator._drop_last,
            )
            self._fetchers[iterator] = fetcher
        return fetcher.fetch(index)


def _of_whole(dataset: Any, indices: list[int]) -> list[int]:
    """Indices into the whole data, where the loader reads a part of it."""
    while isinstance(dataset, Subset):
        parts = dataset.indices
        indices = [int(parts[index]) for index in indices]
        dataset = dataset.dataset
    return indices
