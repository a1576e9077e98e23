"""Whether replays say that a loss rose by what it was given, and not by what training did."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from gradcheck.model import FloatArray, Run
from gradcheck.model.inside import EARLIER, FREEZE, OVERWRITTEN, SKIP

LEAST_ROWS = 10
LEAPS = 3.0
"""The least of a leap into another task."""
NEIGHBOURS, AGAIN = 15, 2.0
"""Rows on both sides of a later leap, as their noise demands, and the least of it."""
LARGER = "batch_grew"
"""The observation that the step of the onset works on more data."""
DATA_STANDS_OUT = frozenset({"batch_stands_out", "target_stands_out"})
"""Observations of data out of line: what they do to a loss is no other task."""
TOUCHED = DATA_STANDS_OUT | {OVERWRITTEN}
WORKED_OFF, HARDER = 0.5, 10.0
"""Level of a loss after a leap: over that to which no update at all leads, and over that before."""


def rises_by_itself(run: Run, values: FloatArray, first: int) -> bool:
    """Whether the batches grew as the loss did, and a replay without any update shows the same.

    A loss that is summed over a batch goes up with its size, one over its pairs or triples with
    the power of that: training is not what drives it. Bad data needs no update either, but it
    raises the loss by more than its number does, or stands out.
    """
    seen = {one.key: one for one in run.observations}
    if LARGER not in seen or not DATA_STANDS_OUT.isdisjoint(seen) or not first:
        return False
    before = float(np.median(values[max(0, first - 5) : first]))
    if not 0 < float(values[first]) <= before * seen[LARGER].values.get("ratio", 1.0) ** 3:
        return False
    tried = run.replay.tried if run.replay is not None else ()
    frozen = any(one.change == FREEZE and one.trial.outcome == "not_prevented" for one in tried)
    return frozen and not any(one.healthy for one in tried)


def comes_without_training(run: Run, values: FloatArray, first: int) -> bool:
    """Whether the loss leaps as far in replays that make no update, and training works it off.

    Another weight of a term or a harder lesson does that, if the data is in line. Where the loss
    does not come down again, the leap was too much for the run.
    """
    tried = {one.change: one for one in (run.replay.tried if run.replay else ())}
    examined = [tried.get(FREEZE), tried.get(EARLIER)]
    if not all(one is not None and one.trial.outcome == "not_prevented" for one in examined):
        return False
    if not TOUCHED.isdisjoint(one.key for one in run.observations) or not 0 < first < len(values):
        return False
    frozen = [one.trial.final_loss for one in examined if one is not None]
    usual = float(np.median(values[max(0, first - LEAST_ROWS) : first]))
    level = float(np.median(values[first + (len(values) - first) // 2 :]))
    worked_off = all(one is not None and level <= WORKED_OFF * one for one in frozen)
    return worked_off and 0 < level <= HARDER * usual


def is_new_task(run: Run, values: FloatArray, first: int) -> bool:
    """Whether what the run is given changed for good, and it learns that as well.

    A replay tells: weights of some steps before, or weights that are left as they were, lose as
    much on the batches from there on, on the first of them and on those after it; data that stands
    out is another matter.
    """
    if not _leaps_anyway(run, values, first):
        return False
    if not DATA_STANDS_OUT.isdisjoint(one.key for one in run.observations):
        return False
    after = values[_last_leap(values, first) :]
    if len(after) < 4 * LEAST_ROWS or bool((after <= 0).any()):
        return False
    return keeps_falling(after)


def _leaps_anyway(run: Run, values: FloatArray, first: int) -> bool:
    tried = {one.change: one for one in (run.replay.tried if run.replay else ())}
    skipped = tried.get(SKIP)
    if skipped is None or (skipped.trial.outcome == "prevented" and skipped.healthy):
        return False
    usual = float(np.median(values[max(0, first - LEAST_ROWS) : first])) if first else 0.0
    for name in (EARLIER, FREEZE):
        one = tried.get(name)
        level = None if one is None else one.trial.final_loss
        if one is not None and name == EARLIER and one.trial.outcome == "not_prevented":
            return True
        if level is not None and level >= LEAPS * usual > 0:
            return True
    return False


def keeps_falling(values: FloatArray) -> bool:
    """Whether each quarter of a series lies below the one before it."""
    quarters = [float(np.median(part)) for part in np.array_split(values, 4)]
    return all(later < earlier for earlier, later in pairwise(quarters))


def _last_leap(values: FloatArray, first: int) -> int:
    """The last row from `first` on whose neighbours after it lie well above those before it."""
    rows = range(max(first, NEIGHBOURS), len(values) - 4 * LEAST_ROWS)
    leaps = (
        row
        for row in rows
        if np.median(values[row : row + NEIGHBOURS])
        > AGAIN * np.median(values[row - NEIGHBOURS : row])
    )
    return max(leaps, default=first)
