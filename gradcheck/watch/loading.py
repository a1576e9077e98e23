"""Follows what DataLoaders give: batches, their indices, and what a change makes of both."""

# mypy: allow-untyped-calls
from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gradcheck.watch import batches
from gradcheck.watch.capture.given import Memory
from gradcheck.watch.followed import Batch
from gradcheck.watch.listener import Listener
from gradcheck.watch.replay.recorded import Recorded
from gradcheck.watch.replay.tape import Tape

if TYPE_CHECKING:
    from gradcheck.watch.capture.resuming import Resuming
    from gradcheck.watch.changes.base import Change

DROP = object()
"""What a change gives for a batch that the script is not to see."""


class Loading:
    """Implements the hooks of DataLoaders."""

    def __init__(self, listener: Listener) -> None:
        self.tape = Tape()
        self.batch: Batch | None = None
        """The last one that was given."""
        self.epoch: int | None = None
        """Batches in a pass over the data of the loader used last, where it knows."""
        self.change: Change | None = None
        self.recorded: Recorded | None = None
        """Batches for a rollback, where one may be needed."""
        self.memory: Memory | None = None
        """Batches for a capture, where one is wanted."""
        self.resuming: Resuming | None = None
        """Gives the batches of a capture, where the run goes on from one."""
        self.tick: Callable[[], int] = lambda: 0
        self.spent = 0.0
        """Seconds inside these hooks."""
        self._listener = listener
        self.iterator: Any = None
        """Of the loader that gave it."""

    @property
    def last_indices(self) -> list[int] | None:
        """Dataset indices of the batch that was given last, where they are known."""
        return None if self.batch is None else self.batch.indices

    def fetching(self, iterator: Any) -> Any:
        """A batch is asked for; a replay may answer from the tape."""
        self._listener.on_loading(iterator, loading=True)
        if self.memory is not None:
            self.memory.fetching()
        if self.resuming is not None:
            self.resuming.fetching(iterator)
        if self.recorded is not None:
            again = self.recorded.next(iterator, self.indices)
            if again is not None:
                return again
        return self.tape.next(iterator, self.indices)

    def indexed(self, iterator: Any, index: Any) -> Any:
        """A sampler drew the indices of a batch; those to load in their place."""
        index = self.indices(index)
        self.tape.indexed(iterator, index)
        return index

    def indices(self, index: Any) -> Any:
        """What a change makes of drawn indices."""
        return index if self.change is None else self.change.index(index)

    def fetched(self, iterator: Any, batch: Any) -> tuple[Any, ...] | None:
        """A loader gave a batch; the one for the script, an empty tuple for none, None for it."""
        begun = time.perf_counter()
        captured = None if self.resuming is None else self.resuming.given(iterator, batch)
        batch = batch if captured is None else captured.batch
        self.batch = batches.look(iterator, batch, self.tape)
        if captured is not None:
            self.batch.indices = captured.indices
        if self.memory is not None:
            self.memory.give(iterator, batch, self.batch.indices)
        if self.recorded is not None:
            self.recorded.give(iterator, batch, self.batch.indices, self.tick())
        if iterator is not self.iterator:
            self.iterator, self.epoch = iterator, batches.in_epoch(iterator)
        self._listener.on_loading(iterator, loading=False)
        self.spent += time.perf_counter() - begun
        if self.change is None:
            return None if captured is None else (batch,)
        given = self.change.batch(iterator, batch, self.batch.indices)
        return () if given is DROP else (given,)
