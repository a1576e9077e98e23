"""Clues of which failed first, the loss or its gradient."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, decay, norms, put, run_of, scale

ROWS = 300
NAN, INF = np.nan, np.inf
END = slice(200, None)
LOSS_NAN, NORM_NAN = put(decay(ROWS), END, NAN), put(norms(ROWS), END, NAN)
TOGETHER = {"loss": LOSS_NAN, "grad_norm": NORM_NAN}
BACKWARD = {"loss": decay(ROWS), "grad_norm": NORM_NAN}
FORWARD = {"loss": LOSS_NAN, "grad_norm": put(norms(ROWS), slice(201, None), NAN)}
WRECKED = {"loss": LOSS_NAN, "grad_norm": scale(NORM_NAN, 199, 90.0)}
STALE = np.concatenate([norms(200), np.full(100, norms(200)[-1])])

UNSEEN: Table = {
    "gradient_failed_first": {
        "together": TOGETHER,
        "loss first": FORWARD,
        "no norm": {"loss": LOSS_NAN},
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
        "a loss that the logger hid": {"loss": put(LOSS_NAN, END, 0.0), "grad_norm": NORM_NAN},
        "a loss that is repeated": {
            "loss": put(LOSS_NAN, END, float(LOSS_NAN[199])),
            "grad_norm": NORM_NAN,
        },
        "a loss that has exploded": {
            "loss": put(decay(ROWS), END, 1.7e34),
            "grad_norm": put(norms(ROWS), END, INF),
        },
        "benign skips": {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), [90, 200], INF)},
    },
    "updates_not_applied": {
        "together": TOGETHER,
        "it was applied": {
            "loss": put(decay(ROWS), slice(201, None), NAN),
            "grad_norm": put(norms(ROWS), slice(200, None), NAN),
        },
        "the log ends there": {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), ROWS - 1, NAN)},
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    },
    "failed_together": {
        "gradient first": BACKWARD,
        "loss first": FORWARD,
        "no norm": {"loss": LOSS_NAN},
    },
    "finite_gradient_beside_nan": {
        "together": TOGETHER,
        "gradient first": BACKWARD,
        "a norm that is repeated by skipped steps": {"loss": LOSS_NAN, "grad_norm": STALE},
    },
    "huge_gradient_before_nan": {
        "usual": TOGETHER,
        "twice the usual": {"loss": LOSS_NAN, "grad_norm": scale(NORM_NAN, 199, 2.0)},
        "long before": {"loss": LOSS_NAN, "grad_norm": scale(NORM_NAN, 100, 90.0)},
        "healthy": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), 199, 90.0)},
    },
    "infinite_before_nan": {
        "NaN": TOGETHER,
        "NaN, then infinite": {"loss": put(LOSS_NAN, slice(210, None), INF)},
        "healthy": {"loss": decay(ROWS)},
    },
}
SEEN: Table = {
    "gradient_failed_first": {
        "for good": BACKWARD,
        "a row before the loss": {
            "loss": put(decay(ROWS), slice(201, None), NAN),
            "grad_norm": NORM_NAN,
        },
        "sparse": run_of(BACKWARD, np.arange(ROWS) * 50),
    },
    "updates_not_applied": {
        "for good": BACKWARD,
        "in windows, and back": {
            "loss": decay(ROWS),
            "grad_norm": put(norms(ROWS), slice(200, 260), NAN),
        },
    },
    "failed_together": {
        "NaN": TOGETHER,
        "infinite": {k: put(v, END, INF) for k, v in TOGETHER.items()},
    },
    "finite_gradient_beside_nan": {
        "": FORWARD,
        "a norm of zero": {"loss": LOSS_NAN, "grad_norm": put(norms(ROWS), END, 0.0)},
    },
    "huge_gradient_before_nan": {
        "": WRECKED,
        "other units": {k: v * 1e-6 for k, v in WRECKED.items()},
    },
    "infinite_before_nan": {"": {"loss": put(LOSS_NAN, 200, INF)}},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
