"""Is the model worse than a guess, so that it must have learned the opposite?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.model import Evidence, FloatArray, Role, Series
from gradcheck.wording import number

CLUES = {
    "accuracy_below_chance": ClueKind(
        "the accuracy falls well below that of the untrained model as the loss creeps up",
        (Role.LOSS, Role.ACCURACY),
        against=-1.0,
    ),
}
FIRST, LEAST_ROWS = 8, 12
"""Rows of the untrained model, and of what is compared with them."""
BELOW, SIGMAS = 0.4, 4.0
"""Share of the first accuracy, and standard errors, that make a fall."""
HITS = 10
"""Samples that the untrained model had right, of fewer of which nothing follows."""
WHOLE = 0.05
"""What a number of samples may be off a whole one by rounding."""
CREPT = 1.5
"""How far the loss may have risen in these rows: what has blown up guesses, and no worse."""


def observe(case: Case) -> Iterator[Clue]:
    """Compare the first rows' accuracy with the last one's before the loss has left for good."""
    right, loss = case.run.get(Role.ACCURACY), case.loss
    if not case.failed or right is None or loss is None or not len(loss) or loss.value[0] <= 0:
        return
    until = _crept_until(loss)
    if until is None:
        return
    rows = right.value[right.step <= until]
    first, rest = rows[:FIRST], rows[FIRST:][-LEAST_ROWS:]
    if len(rest) < LEAST_ROWS or not np.isfinite(rows).all():
        return
    before, now = float(first.mean()), float(rest.mean())
    error = float(np.sqrt(first.var() / FIRST + rest.var() / LEAST_ROWS))
    if now > BELOW * before or before - now < SIGMAS * error or _hits(first) < HITS:
        return
    said = (
        f"{right.name} falls from {number(before)} in the first rows to {number(now)}, below what "
        "guessing gives, while the loss creeps up: the model learns the opposite"
    )
    window = (int(right.step[0]), until)
    yield Clue("accuracy_below_chance", Evidence(said, right.name, *window))


def _hits(shares: FloatArray) -> float:
    """About how many samples these were: no two shares of a batch differ by less than one.

    0 where they are no whole numbers of samples: rows of a running mean are no draws of their own.
    """
    apart = np.diff(np.unique([0.0, *np.round(shares, 9)]))
    if not len(apart):
        return 0.0
    counts = shares / apart.min()
    smoothed = bool((np.abs(counts - np.round(counts)) > WHOLE).any())
    return 0.0 if smoothed else float(counts.sum())


def _crept_until(loss: Series) -> int | None:
    """The last step before a loss that never fell has risen far; None where it did fall."""
    began = float(np.median(loss.value[:3]))
    far = np.flatnonzero(~(loss.value <= CREPT * began))
    rows = int(far[0]) if len(far) else len(loss)
    values = loss.value[:rows]
    if rows < FIRST + LEAST_ROWS // 2 or float(np.median(values[-3:])) <= began:
        return None
    return int(loss.step[rows - 1])
