"""Did it begin where the run was resumed?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.attempts import rewinds
from gradcheck.model import Evidence, Kind, Role

CLUES = {
    "begins_at_resume": ClueKind(
        "the loss leaves its level within a few rows after the run was resumed"
    ),
}
ROWS = 30
KINDS = (Kind.LOSS_SPIKE, Kind.DIVERGENCE, Kind.GRADIENT_SPIKE)


def observe(case: Case) -> Iterator[Clue]:
    """Compare the order of the onset with those of resumes and rewinds."""
    loss, onset = case.loss, case.onset
    if loss is None or onset is None or onset.kind not in KINDS:
        return
    places = [
        *case.run.resumed_at,
        *(rewind.order for rewind in rewinds(case.run)),
        *_epoch_restarts(case),
    ]
    row = case.onset_row(loss)
    for place in places:
        since = int((loss.order[:row] >= place).sum())
        if place <= onset.order and since <= ROWS and int(loss.order[0]) < place:
            said = (
                f"the run was resumed {since} rows before step {onset.step}, where it left its "
                "level"
            )
            yield Clue("begins_at_resume", Evidence(said, loss.name, onset.step, onset.step))
            return


def _epoch_restarts(case: Case) -> list[int]:
    """Orders at which the logged epoch falls back: a new process began to count."""
    epoch = case.run.get(Role.EPOCH)
    if epoch is None or len(epoch) < 2:
        return []
    back = np.flatnonzero(np.diff(epoch.value) < 0) + 1
    return [int(order) for order in epoch.order[back]]
