"""Clues of what follows an event that the run shook off."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, decay, norms, put, run_of, scale

ROWS = 400
NAN = np.nan
LONG = scale(decay(ROWS), slice(300, 330), np.linspace(12.0, 3.0, 30))

UNSEEN: Table = {
    "nan_left_no_trace": {
        "for good": {"loss": put(decay(ROWS), slice(200, None), NAN)},
        "ten rows": {"loss": put(decay(ROWS), slice(200, 210), NAN)},
        "never": {"loss": decay(ROWS)},
        "bad afterwards": {"loss": scale(put(decay(ROWS), 200, NAN), slice(201, 260), 9.0)},
    },
    "zero_gradient_beside_nan": {
        "NaN": {"loss": put(decay(ROWS), 200, NAN), "grad_norm": put(norms(ROWS), 200, NAN)},
        "an ordinary norm": {"loss": put(decay(ROWS), 200, NAN), "grad_norm": norms(ROWS)},
        "zero elsewhere": {
            "loss": put(decay(ROWS), 200, NAN),
            "grad_norm": put(norms(ROWS), 201, 0.0),
        },
    },
    "sharp_spike": {
        "slow": {"loss": LONG},
        "for good": {"loss": scale(decay(ROWS), slice(300, None), 20.0)},
        "healthy": {"loss": decay(ROWS)},
    },
    "gradient_calm_at_spike": {
        "both": {"loss": scale(decay(ROWS), 300, 20.0), "grad_norm": scale(norms(ROWS), 300, 50.0)},
        "no norm": {"loss": scale(decay(ROWS), 300, 20.0)},
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    },
    "slow_recovery": {
        "sharp": {"loss": scale(decay(ROWS), 300, 20.0)},
        "healthy": {"loss": decay(ROWS)},
    },
    "gradient_only_spike": {
        "both": {"loss": scale(decay(ROWS), 300, 20.0), "grad_norm": scale(norms(ROWS), 300, 50.0)},
        "only the loss": {"loss": scale(decay(ROWS), 300, 20.0), "grad_norm": norms(ROWS)},
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    },
}
SEEN: Table = {
    "nan_left_no_trace": {
        "one row": {"loss": put(decay(ROWS), 200, NAN)},
        "several": {"loss": put(decay(ROWS), [100, 200, 333], NAN)},
        "negative": {"loss": put(decay(ROWS), 200, NAN) - 9.0},
    },
    "zero_gradient_beside_nan": {
        "": {"loss": put(decay(ROWS), 200, NAN), "grad_norm": put(norms(ROWS), 200, 0.0)},
    },
    "sharp_spike": {
        "one row": {"loss": scale(decay(ROWS), 300, 20.0)},
        "two rows": {"loss": scale(decay(ROWS), [300, 301], 20.0)},
        "negative": {"loss": scale(decay(ROWS), 300, 20.0) - 9.0},
        "sparse": run_of({"loss": scale(decay(ROWS), 300, 20.0)}, np.arange(ROWS) * 100),
    },
    "gradient_calm_at_spike": {
        "": {"loss": scale(decay(ROWS), 300, 20.0), "grad_norm": norms(ROWS, noise=0.05)},
    },
    "slow_recovery": {"": {"loss": LONG}},
    "gradient_only_spike": {"": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), 300, 50.0)}},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
