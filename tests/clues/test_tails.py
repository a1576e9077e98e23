"""Clues of large gradients that come now and then."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, norms, put, run_of, scale

ROWS = 600
PLACES = [131, 190, 318, 377, 520]


def spiky(
    places: list[int], level: Column | None = None, factor: float = 40.0
) -> dict[str, Column]:
    """A healthy loss beside a norm that leaps in some rows."""
    usual = norms(ROWS, noise=0.1)
    return {
        "loss": decay(ROWS),
        "grad_norm": scale(usual if level is None else usual * level, places, factor),
    }


def sunk(to: float, rows: int = ROWS) -> dict[str, Column]:
    """A norm that comes down to a share of what it was before it leaps with the loss."""
    at = rows * 3 // 4
    course = np.geomspace(1.0, to, at)
    norm = norms(rows, noise=0.1) * np.concatenate([course, np.full(rows - at, to)])
    return {"loss": scale(decay(rows), at + 2, 20.0), "grad_norm": scale(norm, at, 60.0)}


UNSEEN: Table = {
    "scattered_gradient_spikes": {
        "healthy": spiky([]),
        "two": spiky(PLACES[:2]),
        "small ones": spiky(PLACES, factor=2.0),
        "heavy noise": {"loss": decay(ROWS), "grad_norm": norms(ROWS, noise=0.8)},
        "a rising level": spiky(PLACES, np.geomspace(1.0, 60.0, ROWS)),
        "a falling level": spiky(PLACES, np.geomspace(1.0, 1 / 60, ROWS)),
        "a fixed period": spiky([100, 200, 300, 400, 500]),
        "a fixed period, one missed": spiky([100, 200, 300, 500]),
        "of the loss": {"loss": scale(decay(ROWS), PLACES, 20.0), "grad_norm": norms(ROWS)},
        "no norm": {"loss": scale(decay(ROWS), PLACES, 20.0)},
    },
    "small_gradient_before": {
        "a level norm": sunk(1.0),
        "a third": sunk(0.3),
        "no spike": {"loss": decay(ROWS), "grad_norm": norms(ROWS) * np.geomspace(1, 0.01, ROWS)},
        "only after the event": {
            "loss": scale(decay(ROWS), 300, 20.0),
            "grad_norm": put(norms(ROWS), slice(310, None), 0.01),
        },
        "zero": {
            "loss": scale(decay(ROWS), 450, 20.0),
            "grad_norm": put(norms(ROWS), slice(400, None), 0.0),
        },
        "twenty rows before": sunk(0.01, 26),
        "one huge first row": {
            "loss": scale(decay(ROWS), 450, 20.0),
            "grad_norm": put(norms(ROWS), 0, 900.0),
        },
    },
}
SEEN: Table = {
    "scattered_gradient_spikes": {
        "five": spiky(PLACES),
        "three": spiky(PLACES[:3]),
        "many": spiky([71, 131, 160, 190, 222, 318, 377, 431, 520, 588]),
        "a level that falls a little": spiky(PLACES, np.linspace(1.0, 0.5, ROWS)),
        "tiny unit": {k: v * 1e-6 for k, v in spiky(PLACES).items()},
        "huge unit": {k: v * 1e6 for k, v in spiky(PLACES).items()},
        "sparse": run_of(spiky(PLACES), np.arange(ROWS) * 50),
        "before the loss is NaN": {
            **spiky(PLACES),
            "loss": put(decay(ROWS), slice(521, None), np.nan),
        },
    },
    "small_gradient_before": {
        "a hundredth": sunk(0.01),
        "a twentieth": sunk(0.05),
        "tiny unit": {k: v * 1e-6 for k, v in sunk(0.01).items()},
        "eighty rows": sunk(0.01, 80),
        "sparse": run_of(sunk(0.01), np.arange(ROWS) * 50),
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
