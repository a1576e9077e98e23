"""After a jump in one row, does the damage stay and is only slowly worked off?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import finite, level
from gradcheck.model import Evidence, Kind
from gradcheck.wording import number

CLUES = {
    "jump_then_decay": ClueKind(
        "the loss jumps in one row, is highest there, and comes down over many rows, if at all"
    ),
}
KINDS = (Kind.LOSS_SPIKE, Kind.DIVERGENCE)
LEAST_JUMP = 1.5
ROWS = 10
NEXT, STAYED = 6, 0.25
"""Rows after the jump, and the share of it that is still there."""
WORKED_OFF = 0.25
"""Share of the jump that is gone by the last quarter of the rows after it."""
BEYOND = 1e6
"""A jump over the level before it whose steps may be too small, or clipped too hard, to undo it."""


def observe(case: Case) -> Iterator[Clue]:
    """Look at the rows from the onset on."""
    loss, onset = case.loss, case.onset
    if loss is None or onset is None or onset.kind not in KINDS:
        return
    row = case.onset_row(loss)
    before, after = finite(loss.value[max(0, row - ROWS) : row]), loss.value[row : row + 4 * ROWS]
    if len(before) < ROWS // 2 or len(after) < ROWS or not np.isfinite(after).all():
        return
    usual, peak = level(before), float(after[:2].max())
    jump = peak - usual
    high = level(after[1:NEXT]) - usual
    if peak < LEAST_JUMP * abs(usual) or not STAYED * jump < high < 1.2 * jump:
        return
    left = level(loss.value[-max(1, (len(loss) - row) // 4) :])
    comes_down = peak - left > WORKED_OFF * jump or peak > BEYOND * abs(usual)
    if float(after.max()) > 1.5 * peak or not comes_down:
        return
    said = (
        f"the loss jumps from {number(usual)} to {number(peak)} in one row and is still "
        f"{number(usual + high)} in the rows after it: the damage is in the weights"
    )
    last = int(loss.step[min(row + ROWS, len(loss) - 1)])
    yield Clue("jump_then_decay", Evidence(said, loss.name, onset.step, last))
