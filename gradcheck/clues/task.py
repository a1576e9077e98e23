"""Did a logged setting of the task change where it began?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.tasks import change_before
from gradcheck.model import Evidence
from gradcheck.wording import number

CLUES = {
    "task_changed_at_onset": ClueKind(
        "a sequence length, batch size or other setting of the task changes where it begins"
    ),
}


def observe(case: Case) -> Iterator[Clue]:
    """Look at the settings that the log holds beside its losses."""
    loss, onset = case.loss, case.onset
    if loss is None or onset is None or not len(loss):
        return
    found = change_before(case.run, loss, min(case.onset_row(loss), len(loss) - 1))
    if found is None:
        return
    setting, row = found
    at = int(np.searchsorted(setting.step, loss.step[row]))
    before, after = (float(setting.value[min(at + k, len(setting) - 1)]) for k in (-1, 0))
    said = f"{setting.name} went from {number(before)} to {number(after)}: another task from there"
    step = int(loss.step[row])
    yield Clue("task_changed_at_onset", Evidence(said, setting.name, step, step))
