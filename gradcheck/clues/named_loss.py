"""Does the loss do what a loss of its name cannot do with valid targets?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import finite
from gradcheck.model import Evidence, Series
from gradcheck.wording import number

CLUES = {
    "impossible_sign": ClueKind("a loss whose name says that it cannot be negative is negative"),
    "infinite_ctc": ClueKind(
        "a CTC loss turns infinite, which it is when a target cannot fit its input"
    ),
}
NEVER_NEGATIVE = re.compile(
    r"\bbce|cross.?entropy|\bxent\b|\bmse\b|\bmae\b|\bhuber\b|\bhinge\b|\bl1\b"
)
CTC = re.compile(r"\bctc")
LEAST_ROWS = 3


def observe(case: Case) -> Iterator[Clue]:
    """Compare the loss with what its name promises."""
    loss = case.loss
    if loss is None or not len(loss):
        return
    name = re.sub(r"[_/\-. ]+", " ", loss.name.lower())
    if NEVER_NEGATIVE.search(name):
        yield from _negative(loss)
    if CTC.search(name):
        yield from _infinite(loss)


def _negative(loss: Series) -> Iterator[Clue]:
    below = np.flatnonzero(loss.value < 0)
    if len(below) < LEAST_ROWS:
        return
    lowest = float(finite(loss.value).min())
    said = (
        f"{loss.name} is negative from step {int(loss.step[below[0]])} on, down to "
        f"{number(lowest)}: "
        "with targets in their range it cannot be"
    )
    yield Clue(
        "impossible_sign",
        Evidence(said, loss.name, int(loss.step[below[0]]), int(loss.step[below[-1]])),
    )


def _infinite(loss: Series) -> Iterator[Clue]:
    bad = np.flatnonzero(~np.isfinite(loss.value))
    if len(bad) and loss.value[bad[0]] == np.inf:
        step = int(loss.step[bad[0]])
        said = f"{loss.name} is infinite at step {step}, not NaN: its probability of a target is 0"
        yield Clue("infinite_ctc", Evidence(said, loss.name, step, step))
