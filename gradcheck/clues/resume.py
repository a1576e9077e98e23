"""Did it begin where the run was resumed?"""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.attempts import rewinds
from gradcheck.model import Evidence, Kind

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
    places = [*case.run.resumed_at, *(rewind.order for rewind in rewinds(case.run))]
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
