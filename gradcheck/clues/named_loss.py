"""Does the loss do what a loss of its name cannot do with valid targets?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.losses import impossible_rows, is_ctc
from gradcheck.measure.robust import finite
from gradcheck.model import Evidence, IntArray, Series
from gradcheck.wording import number

CLUES = {
    "impossible_sign": ClueKind("a loss whose name says that it cannot be negative is negative"),
    "infinite_ctc": ClueKind(
        "a CTC loss turns infinite, which it is when a target cannot fit its input"
    ),
}


def observe(case: Case) -> Iterator[Clue]:
    """Compare the loss with what its name promises."""
    loss = case.loss
    if loss is None or not len(loss):
        return
    below = impossible_rows(loss)
    if len(below):
        yield _negative(loss, below)
    if is_ctc(loss):
        yield from _infinite(loss)


def _negative(loss: Series, below: IntArray) -> Clue:
    first, last = int(loss.step[below[0]]), int(loss.step[below[-1]])
    said = (
        f"{loss.name} is negative from step {first} on, down to "
        f"{number(float(finite(loss.value).min()))}: with targets in their range it cannot be"
    )
    return Clue("impossible_sign", Evidence(said, loss.name, first, last))


def _infinite(loss: Series) -> Iterator[Clue]:
    bad = np.flatnonzero(~np.isfinite(loss.value))
    if len(bad) and loss.value[bad[0]] == np.inf:
        step = int(loss.step[bad[0]])
        said = f"{loss.name} is infinite at step {step}, not NaN: its probability of a target is 0"
        yield Clue("infinite_ctc", Evidence(said, loss.name, step, step))
