"""What a change is: something that acts on a running script, at one or several of its steps."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor
from torch.optim.optimizer import Optimizer

from gradcheck.watch.followed import Followed
from gradcheck.watch.probe import Probe

LEAD = 20
"""Steps before the failure from which changes act that need time."""


@dataclass(frozen=True)
class Trouble:
    """The failure that a change is to keep away, as far as changes need to know it."""

    tick: int
    """The optimizer step, counted over all optimizers, that failed."""
    samples: tuple[int, ...] = ()
    """Dataset indices under suspicion."""
    norm: float | None = None
    """The usual global gradient norm before it."""
    rate: float | None = None
    """The usual learning rate before it."""
    onset: int | None = None
    """The tick at which it began, where that is known."""
    facts: Mapping[str, Any] = field(default_factory=dict)


class Change:
    """Does nothing by itself; a module of this folder declares one as `CHANGE`.

    The methods are called in the order of a step. `acted` counts how often the change had
    anything to do: a trial in which it never acted is none.
    """

    action: ClassVar[str]
    """The change as advice, an imperative sentence."""
    snippet: ClassVar[str | None] = None
    early: ClassVar[bool] = False
    """Whether it has to act from long before the failure."""
    from_start: ClassVar[bool] = False
    """Whether it has to act before the first step."""
    clips: ClassVar[bool] = False
    """Whether it lets large gradients be, and makes them harmless."""
    once: ClassVar[bool] = False
    """Whether it acts on the failing step alone, so that a run that goes on needs it anew."""

    operations: ClassVar[frozenset[str]] = frozenset()
    """The operations that it guards, by their names in torch: tried first if one of them failed."""
    reverses: ClassVar[bool] = False
    """Whether the loss is to rise under it, where that is the negative of an error."""

    def __init__(self, probe: Probe, trouble: Trouble) -> None:
        self.probe, self.trouble = probe, trouble
        self.acted = 0
        self.undo = ExitStack()

    def advice(self) -> str:
        """The action with the values of the run at hand."""
        return self.action

    def begin(self) -> None:
        """It takes effect; what must be taken back goes to `undo`."""

    def end(self) -> None:
        """Take it back."""
        self.undo.close()

    def index(self, index: Any) -> Any:
        """The indices of a batch that a sampler drew, or others."""
        return index

    def batch(self, iterator: Any, batch: Any, indices: Sequence[int] | None) -> Any:
        """A batch that a DataLoader made, another one, or DROP."""
        return batch

    def loss(self, loss: Tensor) -> None:
        """Backward is about to run from a loss."""

    def before_step(self, optimizer: Optimizer) -> None:
        """An optimizer's step begins; one with a closure has yet to run it."""

    def rescue(self, followed: Followed, tick: int) -> bool:
        """A step is not finite: whether to skip it."""
        return False

    def before_update(self, optimizer: Optimizer, followed: Followed, tick: int) -> None:
        """An update is about to be made."""

    def after_update(self, optimizer: Optimizer, followed: Followed) -> None:
        """An update was made."""
