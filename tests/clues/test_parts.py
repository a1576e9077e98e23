"""Clues of the parts of a loss: which failed, which of the same row did not."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, put

ROWS = 200
FINE = decay(ROWS)
BROKEN = put(decay(ROWS, seed=4), slice(150, None), np.nan)


def parts(physics: Column, data: Column) -> Columns:
    """A total and its two parts."""
    return {"train_loss": physics + data, "physics_loss": physics, "data_loss": data}


UNSEEN: Table = {
    "only_some_parts_failed": {
        "both": parts(BROKEN, BROKEN),
        "none": parts(FINE, FINE),
        "hidden behind a zero": parts(BROKEN, put(FINE, slice(150, None), 0.0)),
        "no parts": {"train_loss": BROKEN},
    },
}
SEEN: Table = {
    "only_some_parts_failed": {"one": parts(BROKEN, FINE), "the other": parts(FINE, BROKEN)},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
