"""Clues of a task that changed."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, constant, decay, norms, put, run_of, steady

ROWS, AT = 400, 200
THROWN = np.concatenate([decay(AT, end=0.05), steady(ROWS - AT, usual=3.0)])


def beside(name: str, values: Column) -> Columns:
    """A setting beside a loss that leaves its level in row 200."""
    return {"loss": THROWN, "grad_norm": norms(ROWS), name: values}


def stepped(at: int, low: float = 5.0, high: float = 10.0) -> Column:
    """A setting that changes once."""
    return put(constant(ROWS, low), slice(at, None), high)


UNSEEN: Table = {
    "task_changed_at_onset": {
        "constant": beside("horizon", constant(ROWS, 5.0)),
        "earlier": beside("horizon", stepped(AT - 9)),
        "later": beside("horizon", stepped(AT + 1)),
        "measured": beside("episode_length", norms(ROWS, usual=40.0)),
        "another name": beside("patience", stepped(AT)),
        "healthy": {"loss": decay(ROWS), "horizon": stepped(AT)},
    },
}
SEEN: Table = {
    "task_changed_at_onset": {
        **{
            name: beside(name, stepped(AT))
            for name in ("horizon", "train/seq_len", "train/len", "bs")
        },
        "a row before": beside("horizon", stepped(AT - 1)),
        "smaller": beside("bsz", stepped(AT, 1024.0, 32.0)),
        "sparse": run_of(beside("stage", stepped(AT)), np.arange(ROWS) * 50),
        "into NaN": {
            "loss": put(decay(ROWS), slice(AT, None), np.nan),
            "curriculum": stepped(AT),
        },
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
