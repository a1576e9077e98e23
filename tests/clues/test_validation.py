"""Clues of an evaluation that alone is broken."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, put, run_of

ROWS = 300
EVERY = np.arange(9, ROWS, 10)


def beside(accuracy: Column, validation: Column) -> Columns:
    """With the accuracy of each evaluation."""
    return {**evaluated(validation), "val_accuracy": (EVERY, accuracy)}


def evaluated(validation: Column, loss: Column | None = None) -> Columns:
    """A run with an evaluation every ten rows."""
    return {"loss": decay(ROWS) if loss is None else loss, "val_loss": (EVERY, validation)}


BROKEN_LATE = put(decay(30), slice(12, None), np.nan)
FOR_GOOD = evaluated(BROKEN_LATE)
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
    "nan_batch_before": {
        "no NaN in training": FOR_GOOD,
        "before a good evaluation": evaluated(BROKEN_LATE, put(decay(ROWS), 100, np.nan)),
        "after the first bad one": evaluated(BROKEN_LATE, put(decay(ROWS), 180, np.nan)),
        "one bad evaluation": evaluated(put(decay(30), 12, np.nan), put(decay(ROWS), 125, np.nan)),
        "training for good": evaluated(BROKEN_LATE, put(decay(ROWS), slice(125, None), np.nan)),
        "evaluation goes on": evaluated(decay(30), put(decay(ROWS), 125, np.nan)),
    },
    "all_predictions_failed": {
        "accuracy moves": beside(np.linspace(0.2, 0.8, 30), np.full(30, np.nan)),
        "it moves a little": beside(0.8 + 0.001 * np.sin(EVERY), np.full(30, np.nan)),
        "two evaluations": beside(np.full(30, 0.2), put(decay(30), slice(28, None), np.nan)),
        "no accuracy": ALWAYS,
        "the loss is fine": beside(np.full(30, 0.2), decay(30)),
    },
    "other_predictions_fine": {
        "the same for all": beside(np.full(30, 0.2), np.full(30, np.nan)),
        "no accuracy": ALWAYS,
        "an accuracy of the training batches": {
            **ALWAYS,
            "train_accuracy": np.linspace(0.2, 0.8, ROWS),
        },
        "the loss is fine": beside(np.linspace(0.2, 0.8, 30), decay(30)),
    },
    "validation_never_worked": {
        "it did at first": FOR_GOOD,
        "training is 0, which stands for NaN": evaluated(
            np.full(30, np.nan), put(decay(ROWS), slice(1, None), 0.0)
        ),
    },
    "validation_was_fine": {"never": ALWAYS, "healthy": evaluated(decay(30))},
}
SEEN: Table = {
    "other_predictions_fine": {
        "": beside(np.linspace(0.2, 0.8, 30), np.full(30, np.nan)),
        "from mid-run on": beside(np.linspace(0.2, 0.8, 30), BROKEN_LATE),
    },
    "validation_never_worked": {"": ALWAYS},
    "only_validation_failed": {
        "NaN": FOR_GOOD,
        "infinite": evaluated(put(decay(30), slice(12, None), np.inf)),
        "always": ALWAYS,
    },
    "nan_batch_before": {
        "one row": evaluated(BROKEN_LATE, put(decay(ROWS), 125, np.nan)),
        "in the row of the evaluation": evaluated(BROKEN_LATE, put(decay(ROWS), 129, np.nan)),
        "infinite": evaluated(BROKEN_LATE, put(decay(ROWS), 125, np.inf)),
        "several": evaluated(BROKEN_LATE, put(decay(ROWS), [121, 125, 200, 250], np.nan)),
        "before the first evaluation": evaluated(np.full(30, np.nan), put(decay(ROWS), 4, np.nan)),
        "sparse": run_of(
            evaluated(BROKEN_LATE, put(decay(ROWS), 125, np.nan)), np.arange(ROWS) * 100
        ),
    },
    "all_predictions_failed": {
        "always": beside(np.full(30, 0.1), np.full(30, np.nan)),
        "from some evaluation on": beside(
            put(np.linspace(0.2, 0.8, 30), slice(12, None), 0.1), BROKEN_LATE
        ),
    },
    "validation_was_fine": {"": FOR_GOOD},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
