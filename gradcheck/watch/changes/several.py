"""Several changes in force at once, each told in turn."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim.optimizer import Optimizer

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.followed import Followed
from gradcheck.watch.loading import DROP
from gradcheck.watch.probe import Probe


class Several(Change):
    """Passes every call on; the changes themselves begin and end on their own."""

    action = "Several changes at once"

    def __init__(self, probe: Probe, trouble: Trouble, changes: Sequence[Change]) -> None:
        super().__init__(probe, trouble)
        self._changes = tuple(changes)

    def index(self, index: Any) -> Any:
        """What all of them leave of the indices."""
        for change in self._changes:
            index = change.index(index)
        return index

    def batch(self, iterator: Any, batch: Any, indices: Sequence[int] | None) -> Any:
        """What all of them leave of a batch."""
        for change in self._changes:
            batch = change.batch(iterator, batch, indices)
            if batch is DROP:
                return DROP
        return batch

    def loss(self, loss: Tensor) -> None:
        """Backward is about to run from a loss."""
        for change in self._changes:
            change.loss(loss)

    def before_step(self, optimizer: Optimizer) -> None:
        """An optimizer's step begins."""
        for change in self._changes:
            change.before_step(optimizer)

    def rescue(self, followed: Followed, tick: int) -> bool:
        """Whether any of them skips this step."""
        answers = [change.rescue(followed, tick) for change in self._changes]
        return any(answers)

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """An update is about to be made."""
        for change in self._changes:
            change.before_update(optimizer, followed, tick)

    def after_update(self, optimizer: Optimizer, followed: Followed) -> None:
        """An update was made; what the last one set goes first."""
        for change in reversed(self._changes):
            change.after_update(optimizer, followed)
