"""Clues of the loss scaler."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, constant, decay, put

ROWS = 300
NAN = np.nan
STEADY = constant(ROWS, 65536.0)
FALLING = np.concatenate([constant(200, 65536.0), 65536 / 2.0 ** np.arange(1, 101)])
LOSS_NAN = put(decay(ROWS), slice(200, None), NAN)
SKIP = put(STEADY, slice(100, 160), 32768.0)

UNSEEN: Table = {
    "scale_fell_beside_nan": {
        "finite": {"loss": decay(ROWS), "loss_scale": FALLING},
        "one skip": {"loss": LOSS_NAN, "loss_scale": SKIP},
        "no scale": {"loss": LOSS_NAN},
    },
    "scale_fell_beside_finite_loss": {
        "NaN": {"loss": LOSS_NAN, "loss_scale": FALLING},
        "one skip": {"loss": decay(ROWS), "loss_scale": SKIP},
    },
    "scale_fell_first": {
        "together": {"loss": LOSS_NAN, "loss_scale": FALLING},
        "never": {"loss": decay(ROWS), "loss_scale": FALLING},
    },
    "loss_scaler_active": {
        "constantly 1": {"loss": decay(ROWS), "loss_scale": constant(ROWS, 1.0)},
        "none": {"loss": decay(ROWS)},
    },
    "no_loss_scaler": {
        "constant": {"loss": decay(ROWS), "loss_scale": STEADY},
        "none logged": {"loss": decay(ROWS)},
        "fell to 1": {"loss": decay(ROWS), "loss_scale": np.maximum(FALLING, 1.0)},
    },
}
SEEN: Table = {
    "scale_fell_beside_nan": {"": {"loss": LOSS_NAN, "loss_scale": FALLING}},
    "scale_fell_beside_finite_loss": {"": {"loss": decay(ROWS), "loss_scale": FALLING}},
    "scale_fell_first": {
        "": {"loss": put(decay(ROWS), slice(260, None), NAN), "loss_scale": FALLING},
    },
    "loss_scaler_active": {"": {"loss": decay(ROWS), "loss_scale": STEADY}},
    "no_loss_scaler": {"": {"loss": decay(ROWS), "loss_scale": constant(ROWS, 1.0)}},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
