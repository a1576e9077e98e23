"""Logged settings of what there is to learn: sequence lengths, horizons, stages, batch sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gradcheck.model import IntArray, Role, Run, Series

TASK = re.compile(
    r"horizon|roll_?out|unroll|seq|context|length|resolution|img_?size|stage|task|level|difficulty"
    r"|curriculum|batch_?size|(?<![a-z])(bsz?|len|digits?)(?![a-z])"
)
LEAST_ROWS = 10
"""Rows for which a setting stays what it is, on average: what changes more often is measured."""
AT_ONCE = 2
"""Rows within which a new task shows in the loss."""


def changes(run: Run) -> Iterator[tuple[Series, IntArray]]:
    """Settings that change now and then, and the steps from which each is another."""
    for setting in run.every(Role.OTHER):
        if TASK.search(setting.name.lower()) and len(setting) > 1:
            changed = setting.step[1:][np.diff(setting.value) != 0]
            if 0 < len(changed) <= len(setting) // LEAST_ROWS:
                yield setting, changed


def change_before(run: Run, loss: Series, row: int) -> tuple[Series, int] | None:
    """A setting that changed in a row of the loss or just before it, and the row of the change.

    From there on the loss is another one: what it was before is no level to compare it with.
    """
    for setting, changed in changes(run):
        at = np.searchsorted(loss.step, changed)
        near = at[(at <= row) & (at >= row - AT_ONCE) & (at > 0)]
        if len(near):
            return setting, int(near[-1])
    return None
