"""Clues of when it went wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, decay, geometric, grow, norms, put, run_of, steady

ROWS = 200
NAN = np.nan
SUDDEN = {"loss": put(decay(ROWS), slice(150, None), NAN)}
AT_ONCE = {"loss": np.full(ROWS, NAN)}
SECOND_ROW = {"loss": put(AT_ONCE["loss"], 0, 2.3)}
RAMP = {"loss": put(grow(decay(ROWS), 140, 1.8), slice(150, None), NAN)}
BLOWN_UP = {"loss": np.concatenate([[0.7, 90.0, 60.0], steady(ROWS, usual=12.0, noise=0.02)])}

UNSEEN: Table = {
    "nonfinite_at_first_row": {
        "second row": SECOND_ROW,
        "late": SUDDEN,
        "healthy": {"loss": decay(ROWS)},
        "only validation": {"loss": decay(ROWS), "val_loss": np.full(ROWS, NAN)},
        "an average that is logged after its finite parts": {
            "kl_loss": (np.arange(20), put(decay(20), slice(9, None), NAN)),
            "loss": (np.arange(10, 20), np.full(10, NAN)),
        },
        "a text cut out of a longer one": replace(
            run_of(AT_ONCE, np.arange(ROWS) + 5000), format="text"
        ),
        "a norm of a scaler's search": {
            "loss": decay(ROWS),
            "grad_norm": put(norms(ROWS), slice(0, 5), np.inf),
        },
    },
    "nonfinite_on_resume": {
        "no resume": SUDDEN,
        "a resume before": run_of(SUDDEN, resumed_at=(100,)),
        "a resume after": run_of(SUDDEN, resumed_at=(160,)),
    },
    "log_starts_late": {
        "from step 0": AT_ONCE,
        "late and finite": run_of({"loss": decay(ROWS)}, np.arange(ROWS) + 5000),
        "late and NaN later": run_of(SUDDEN, np.arange(ROWS) + 5000),
        "sparse": run_of(AT_ONCE, np.arange(ROWS) * 500 + 500),
        "a text cut out of a longer one": replace(
            run_of(AT_ONCE, np.arange(ROWS) + 5000), format="text"
        ),
    },
    "nonfinite_after_first_row": {"first row": AT_ONCE, "late": SUDDEN},
    "sudden_nonfinite": {
        "ramp": RAMP,
        "second row": SECOND_ROW,
        "few rows before": {"loss": put(decay(ROWS), slice(3, None), NAN)},
        "healthy": {"loss": decay(ROWS)},
        "recovered": {"loss": put(decay(ROWS), 150, NAN)},
        "only validation": {
            "loss": decay(ROWS),
            "val_loss": (np.arange(9, ROWS, 10), put(decay(20), slice(14, None), NAN)),
        },
    },
    "blow_up_from_start": {
        "late": {"loss": grow(decay(ROWS), 150, 1.3)},
        "a little": {"loss": np.concatenate([[2.3, 5.0, 7.0], steady(ROWS, usual=6.0)])},
        "NaN": SUDDEN,
    },
}
SEEN: Table = {
    "nonfinite_at_first_row": {
        "NaN": AT_ONCE,
        "infinite": {"loss": np.full(ROWS, np.inf)},
        "only the norm": {"loss": decay(ROWS), "grad_norm": np.full(ROWS, NAN)},
    },
    "nonfinite_on_resume": {"": run_of(SUDDEN, resumed_at=(150,))},
    "log_starts_late": {"": run_of(AT_ONCE, np.arange(ROWS) + 5000)},
    "nonfinite_after_first_row": {
        "every step": SECOND_ROW,
        "sparse": run_of(SECOND_ROW, np.arange(ROWS) * 100),
    },
    "sudden_nonfinite": {
        "NaN": SUDDEN,
        "infinite": {"loss": put(decay(ROWS), slice(150, None), np.inf)},
        "twenty rows": {"loss": put(decay(20), slice(12, None), NAN)},
        "negative": {"loss": SUDDEN["loss"] - 9.0},
        "an evaluation shows it first": {
            "loss": (np.arange(ROWS), SUDDEN["loss"]),
            "val_loss": (np.arange(9, ROWS, 10), put(decay(20), slice(14, None), NAN)),
        },
        "only the norm": {
            "loss": decay(ROWS),
            "grad_norm": put(norms(ROWS), slice(150, None), NAN),
        },
        "sparse": run_of(SUDDEN, np.arange(ROWS) * 100),
    },
    "blow_up_from_start": {
        "then a plateau": BLOWN_UP,
        "then NaN": {"loss": put(geometric(3.0, ROWS), slice(12, None), NAN)},
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def test_between_sparse_rows_a_ramp_may_hide() -> None:
    dense = clues_of(SUDDEN)["sudden_nonfinite"]
    sparse = clues_of(run_of(SUDDEN, np.arange(ROWS) * 100))["sudden_nonfinite"]
    assert sparse.strength < dense.strength
