"""Remembers the batches of the last steps, each with the random state right after it was given."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.replay.generators import generators
from gradcheck.watch.replay.paces import Paces
from gradcheck.watch.replay.recorded import Given

MOST = 256
"""Batches of a step and of the one before it that are kept, at most."""
RECENT = 16
"""Steps after a batch that it may still serve; later ones make their batches themselves."""


class Memory:
    """Follows what the loaders give to a training; what is read without gradients is no part."""

    def __init__(self, tick: Callable[[], int]) -> None:
        self.asked: Callable[[], None] = lambda: None
        """Called when a batch is asked for, before the loader does anything."""
        self.copying = False
        """Whether batches are copied, so that a script may write to its own."""
        self._tick = tick
        self.lost = False
        """Whether the first batches of a step had to go, for there were too many."""
        self._given: deque[Given] = deque()
        self._paces: weakref.WeakKeyDictionary[Any, Paces] = weakref.WeakKeyDictionary()
        self._ahead = 0

    def fetching(self) -> None:
        """A batch is asked for."""
        if torch.is_grad_enabled():
            self.asked()

    def give(self, iterator: Any, batch: Any, indices: list[int] | None) -> None:
        """A loader gave a batch."""
        if not torch.is_grad_enabled():
            return
        tick = self._tick()
        paces = self._paces.setdefault(iterator, Paces())
        paces.count(tick)
        self._ahead = self._ahead if paces.ahead is None else paces.ahead
        self._forget(tick)
        kept = copied(batch) if self.copying else batch
        self._given.append(Given(tick, source(iterator), kept, indices, generators()))

    def _forget(self, tick: int) -> None:
        """Keep this step's and, for what is asked for ahead, those given in the one before."""
        last = self._given[-1].tick if self._given else tick
        if tick != last:
            self.lost = False
            while self._given[0].tick < last:
                self._given.popleft()
        if len(self._given) >= MOST:
            self._given.popleft()
            self.lost = True

    def begin(self, tick: int) -> int | None:
        """The tick at which the batches of the step `tick` were asked for; None where none were."""
        if not self._given or tick - self._given[-1].tick > RECENT:
            return None
        return self._given[-1].tick

    def of_step(self, begin: int, now: Mapping[str, Any] | None = None) -> list[Given]:
        """The batches from the first that is used after `begin` on, in the order given.

        One that was given before it has the random state `now`, the one at the beginning.
        """
        given = list(self._given)
        first = next((at for at, one in enumerate(given) if one.tick >= begin), len(given))
        start = max(0, first - self._ahead)
        early = [
            one if now is None else Given(begin, one.source, one.batch, one.indices, now)
            for one in given[start:first]
        ]
        return early + given[first:]


def source(iterator: Any) -> str:
    """The kind of its data and of its sampler: a name that another process finds again."""
    sampler = getattr(iterator, "_index_sampler", None)
    sampler = getattr(sampler, "sampler", sampler)
    data = getattr(iterator, "_dataset", None)
    return f"{type(data).__qualname__} by {type(sampler).__qualname__}"


def copied(batch: Any) -> Any:
    """The same nesting, its tensors copied."""
    if isinstance(batch, Tensor):
        return batch.detach().clone()
    if isinstance(batch, Mapping) and type(batch) is dict:
        return {key: copied(one) for key, one in batch.items()}
    if type(batch) in (list, tuple):
        return type(batch)(copied(one) for one in batch)
    return batch
