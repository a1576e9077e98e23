"""Clues of the very first row."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, norms, put, run_of

ROWS = 200


def settles(first: float, end: float = 0.5) -> Column:
    """A loss that starts at `first` and is down at `end` after a few rows."""
    return np.concatenate([np.geomspace(first, end, 8), decay(ROWS, start=end, end=end * 0.9)])


def broken(first: float, norm: float) -> dict[str, Column]:
    """A run whose second row is NaN."""
    loss, grad = put(np.full(50, first), slice(1, None), np.nan), np.full(50, np.nan)
    return {"loss": loss, "grad_norm": put(grad, 0, norm)}


def layers(weight: float, bias: float) -> dict[str, Column]:
    """Norms of one layer's weight and bias whose second row is NaN, beside a second layer."""
    return {
        name: put(np.full(50, np.nan), 0, first)
        for name, first in {
            "grad/fc1.weight": weight,
            "grad/fc1.bias": bias,
            "grad/fc2.weight": weight / 5,
        }.items()
    }


UNSEEN: Table = {
    "huge_first_loss": {
        "ordinary": broken(2.3, 1.0),
        "large units, trained well": {"loss": decay(ROWS, start=5e5, end=3e5)},
        "epochs": run_of(broken(1e6, 1e6), unit="epoch"),
        "a log that begins late": run_of(broken(1e6, 1e6), np.arange(50) + 9000),
        "NaN": {"loss": np.full(50, np.nan)},
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    },
    "huge_first_gradient": {
        "ordinary": broken(2.3, 1.0),
        "hundreds": broken(2.3, 300.0),
        "NaN": broken(2.3, np.nan),
    },
    "large_input_norm": {
        "ordinary": {**broken(1e6, 1e4), **layers(1e4, 1e3)},
        "no bias": {**broken(1e6, 1e4), "grad/fc1.weight": layers(1e6, 1.0)["grad/fc1.weight"]},
        "an ordinary loss": {**broken(2.3, 1.0), **layers(1e6, 1e3)},
    },
    "ordinary_input_norm": {
        "large": {**broken(1e6, 1e4), **layers(1e6, 1e3)},
        "an ordinary loss": {**broken(2.3, 1.0), **layers(1e4, 1e3)},
    },
    "ordinary_first_loss": {
        "huge": broken(1e6, 1e4),
        "negative": broken(-2.0, 1.0),
        "healthy": {"loss": decay(ROWS)},
    },
    "ordinary_first_gradient": {
        "huge": broken(2.3, 1e5),
        "hundreds": broken(2.3, 300.0),
        "zero": broken(2.3, 0.0),
        "NaN": broken(2.3, np.nan),
        "no norm": {"loss": broken(2.3, 1.0)["loss"]},
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
        "epochs": run_of(broken(2.3, 1.0), unit="epoch"),
        "a log that begins late": run_of(broken(2.3, 1.0), np.arange(50) + 9000),
    },
}
SEEN: Table = {
    "huge_first_loss": {
        "breaks at once": broken(1e6, 1e5),
        "breaks at once, no norm": {"loss": broken(1e6, 1.0)["loss"]},
        "settles far below": {
            "loss": settles(1e5),
            "grad_norm": np.concatenate([np.geomspace(1e6, 1.0, 8), norms(ROWS)]),
        },
    },
    "huge_first_gradient": {
        "beside a huge loss": broken(1e6, 1e5),
        "beside an ordinary loss": broken(2.3, 1e5),
    },
    "large_input_norm": {"": {**broken(1e6, 1e4), **layers(1e6, 1e3)}},
    "ordinary_input_norm": {"": {**broken(1e6, 1e4), **layers(1e4, 1e3)}},
    "ordinary_first_loss": {
        "NaN later": {"loss": put(decay(ROWS), slice(120, None), np.nan)},
        "NaN at once": broken(2.3, 1.0),
    },
    "ordinary_first_gradient": {
        "NaN at once": broken(2.3, 1.0),
        "beside a huge loss": broken(1e6, 1.0),
        "NaN later": {
            "loss": put(decay(ROWS), slice(120, None), np.nan),
            "grad_norm": put(norms(ROWS), slice(120, None), np.nan),
        },
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
