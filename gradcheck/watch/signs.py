"""Notices a loss that has the wrong sign, or subtracts an error."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from gradcheck.model import Observation
from gradcheck.model.inside import WEIGHED
from gradcheck.watch import objective
from gradcheck.watch.objective import Terms

READ_FIRST, READ_EVERY = 6, 16
"""Steps at the beginning whose losses are read, and steps between two that are, later on."""
LEAST, MOSTLY = 2, 0.8


@dataclass
class _Read:
    """What the losses of one optimizer were made of."""

    reads: int = 0
    negated: int = 0
    weighed: int = 0
    """Reads of a loss whose terms were weighed by numbers of both signs."""
    densities: int = 0
    first: int | None = None
    """The first step of which a term was raised."""
    names: str = ""
    still: bool = False
    """Whether the last loss that was read raised something."""
    turns: bool = False
    """Whether the sign came and went: a number of changing sign decides it, a reward say."""


class Signs:
    """Reads losses before backward; the next step tells whose they were."""

    def __init__(self) -> None:
        self._reads: dict[int, _Read] = {}
        self._waiting: list[Terms] = []
        self._steps = 0

    def read(self, loss: Tensor, *, scaled: bool) -> None:
        """Backward is about to run from a loss."""
        if self._steps < READ_FIRST or self._steps % READ_EVERY == 0:
            self._waiting.append(objective.terms(loss, scaled=scaled))

    def stepped(self, serial: int, step: int) -> None:
        """An optimizer took a step, on the losses since the step before."""
        read = self._reads.get(serial)
        if read is None:
            read = self._reads[serial] = _Read()
        for terms in self._waiting:
            read.reads += 1
            read.negated += terms.negated
            read.weighed += terms.weighed
            read.densities += terms.density
            read.turns |= read.still and bool(terms.lowered) and not terms.raised
            if terms.raised:
                read.first = step if read.first is None else read.first
                read.names = ", ".join(terms.raised)
            read.still = bool(terms.raised) or (read.still and not terms.lowered)
        self._waiting.clear()
        self._steps = step + 1

    @property
    def learns_width(self) -> bool:
        """Whether a loss was, mostly, a density whose width the model predicts."""
        reads = self._reads.values()
        return any(one.densities >= max(LEAST, MOSTLY * one.reads) for one in reads)

    def observations(self) -> Iterator[Observation]:
        """What was raised to the end; in a game of several optimizers that may be the intention."""
        if len(self._reads) > 1:
            return
        for read in self._reads.values():
            if read.weighed >= max(LEAST, MOSTLY * read.reads):
                yield Observation(
                    WEIGHED,
                    "the loss averages terms that are weighed by numbers of both signs, such as "
                    "advantages: its value tells nothing of how well the model does",
                    0,
                )
            if read.first is None or read.turns or not read.still:
                continue
            if read.negated >= max(LEAST, 0.5 * read.reads):
                yield Observation(
                    "loss_negated",
                    f"backward begins at the negative of an error ({read.names}): training makes "
                    "it large",
                    read.first,
                )
            else:
                yield Observation(
                    "loss_partly_negated",
                    f"an error without an upper bound ({read.names}) is subtracted in the loss",
                    read.first,
                )
