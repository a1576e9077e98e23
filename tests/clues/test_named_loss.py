"""Clues of what a loss of its name cannot do."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, decay, put

FALL = np.linspace(0.7, -40.0, 200)

UNSEEN: Table = {
    "impossible_sign": {
        "no name": {"loss": FALL},
        "may be negative": {"nll_loss": FALL},
        "dice": {"dice_loss": FALL},
        "positive": {"bce_loss": decay(200)},
        "two negative rows": {"bce_loss": put(decay(200), [7, 9], -1e-9)},
    },
    "infinite_ctc": {
        "NaN": {"ctc_loss": put(decay(200), slice(100, None), np.nan)},
        "finite": {"ctc_loss": decay(200)},
        "another loss": {"bce_loss": put(decay(200), 100, np.inf)},
    },
}
SEEN: Table = {
    "impossible_sign": {
        name: {name: FALL}
        for name in ("bce_loss", "train/BCE-loss", "cross_entropy_loss", "mse_loss", "Huber Loss")
    },
    "infinite_ctc": {
        "one row": {"ctc_loss": put(decay(200), 100, np.inf)},
        "then NaN": {"train/ctc_loss": put(put(decay(200), slice(100, None), np.nan), 100, np.inf)},
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
