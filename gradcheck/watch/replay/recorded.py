"""Remembers the batches of the last steps, and gives them again after a rollback."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gradcheck.watch.replay.generators import generators, set_generators

MOST = 160
"""Batches that are kept."""


@dataclass(frozen=True)
class Given:
    """One batch that a loader gave, and the random number generators right after it."""

    tick: int
    """Optimizer steps until then."""
    source: str | int
    """What tells this loader from others of the script."""
    batch: Any
    indices: list[int] | None
    generators: Mapping[str, Any]


class Recorded:
    """Batches by the data set that they come from, in the order in which they were given."""

    def __init__(self) -> None:
        self._given: deque[Given] = deque(maxlen=MOST)
        self._queues: dict[str | int, deque[Given]] | None = None
        self._again = False

    def give(self, iterator: Any, batch: Any, indices: list[int] | None, tick: int) -> None:
        """A loader gave a batch in the step that is numbered `tick`.

        New ones of a rollback are kept as well, for the next one to get the same.
        """
        if not self._again:
            self._given.append(Given(tick, _source(iterator), batch, indices, generators()))
        self._again = False

    def reaches(self, tick: int) -> bool:
        """Whether all batches since then are still there."""
        return not self._given or len(self._given) < MOST or self._given[0].tick <= tick

    @property
    def empty(self) -> bool:
        """Whether no loader gave anything: the script makes its batches itself."""
        return not self._given

    def rewind(self, tick: int) -> None:
        """Begin again with the batches of this step."""
        self._queues = {}
        for given in self._given:
            if given.tick >= tick:
                self._queues.setdefault(given.source, deque()).append(given)

    def next(self, iterator: Any, change: Callable[[Any], Any]) -> tuple[Any, ...] | None:
        """The batch that is next in a rollback; None where the loader itself goes on.

        `change` gives the indices to keep of those in the batch. Random numbers go on as they did
        after it was made: making it drew some, and making an iterator did.
        """
        queue = self._queues.get(_source(iterator)) if self._queues is not None else None
        if not queue:
            return None
        self._again = True
        given = queue.popleft()
        set_generators(given.generators)
        batch, indices = given.batch, given.indices
        if indices is None:
            return (batch,)
        return (without(batch, indices, change(indices)),)


def _source(iterator: Any) -> int:
    return id(getattr(iterator, "_dataset", iterator))


def without(batch: Any, indices: list[int], kept: Any) -> Any:
    """A batch with the rows alone whose dataset indices are kept; itself where all are."""
    if kept is indices:
        return batch
    left = set(kept)
    rows = [row for row, index in enumerate(indices) if index in left]
    return _select(batch, rows, len(indices))


def _select(batch: Any, rows: list[int], size: int) -> Any:
    """The same nesting, with these rows of every tensor that has one for each sample."""
    if isinstance(batch, Tensor):
        return batch[rows] if batch.dim() and len(batch) == size else batch
    if isinstance(batch, Mapping):
        return {key: _select(value, rows, size) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_select(value, rows, size) for value in batch))
    if isinstance(batch, list | tuple):
        return type(batch)(_select(value, rows, size) for value in batch)
    return batch
