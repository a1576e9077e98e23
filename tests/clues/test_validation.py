"""Clues of an evaluation that alone is broken."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, put

ROWS = 300
EVERY = np.arange(9, ROWS, 10)


def evaluated(validation: Column, loss: Column | None = None) -> Columns:
    """A run with an evaluation every ten rows."""
    return {"loss": decay(ROWS) if loss is None else loss, "val_loss": (EVERY, validation)}


FOR_GOOD = evaluated(put(decay(30), slice(12, None), np.nan))
ALWAYS = evaluated(np.full(30, np.nan))

UNSEEN: Table = {
    "only_validation_failed": {
        "one evaluation": evaluated(put(decay(30), 12, np.nan)),
        "training too": evaluated(
            put(decay(30), slice(12, None), np.nan), put(decay(ROWS), slice(130, None), np.nan)
        ),
        "only training": evaluated(decay(30), put(decay(ROWS), slice(130, None), np.nan)),
        "healthy": evaluated(decay(30)),
        "no training loss": {"val_loss": put(decay(30), slice(12, None), np.nan)},
    },
    "validation_was_fine": {"never": ALWAYS, "healthy": evaluated(decay(30))},
}
SEEN: Table = {
    "only_validation_failed": {
        "NaN": FOR_GOOD,
        "infinite": evaluated(put(decay(30), slice(12, None), np.inf)),
        "always": ALWAYS,
    },
    "validation_was_fine": {"": FOR_GOOD},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
