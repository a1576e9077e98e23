"""Which part of the loss failed, and which part of the same row is still a number?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.stretches import row_at
from gradcheck.model import Evidence, Kind, Objective, Role
from gradcheck.wording import number

CLUES = {
    "only_some_parts_failed": ClueKind(
        "one part of the loss is non-finite in a row whose other parts are finite"
    ),
}


def observe(case: Case) -> Iterator[Clue]:
    """Compare the parts in the row where the total failed; NaN weights would spoil them all."""
    onset = case.onset
    if onset is None or onset.step is None or onset.kind is not Kind.NONFINITE_LOSS:
        return
    parts = [
        (series.name, float(series.value[row]))
        for series in case.run.every(Role.LOSS)
        if series.objective is Objective.COMPONENT
        and (row := row_at(series, onset.step)) is not None
    ]
    failed = [name for name, value in parts if not np.isfinite(value)]
    alive = [(name, value) for name, value in parts if np.isfinite(value) and value != 0]
    if failed and alive:
        name, value = alive[0]
        said = (
            f"at step {onset.step} {failed[0]} is not finite while {name} of the same row is "
            f"{number(value)}: the model's output was fine, that part of the loss is not"
        )
        yield Clue("only_some_parts_failed", Evidence(said, failed[0], onset.step, onset.step))
