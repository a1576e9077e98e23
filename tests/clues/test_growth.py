"""Clues of the law by which the gradient norm grows."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, geometric, grow, norms

ROWS = 200
LINE = np.linspace(0.5, 20.4, ROWS)
SUM = 0.5 + 8.0 * (1 - np.exp(-np.arange(ROWS) / 6)) + 0.002 * np.sin(np.arange(ROWS))

PHASE = 2 * np.pi * np.arange(ROWS) / 50
SWING = 0.5 + 0.47 * np.cos(PHASE)


def quadratic(ratio: float, power: float = 2.0, rows: int = 30) -> dict[str, Column]:
    """A run whose gradient grows by `ratio` a row and its loss by a power of that."""
    return {"loss": 0.7 * geometric(ratio**power, rows), "grad_norm": 0.9 * geometric(ratio, rows)}


UNSEEN: Table = {
    "square_law": {
        "the loss grows like the gradient": quadratic(1.5, power=1.0),
        "the loss grows like its cube": quadratic(1.5, power=3.0),
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
        "no norm": {"loss": quadratic(1.5)["loss"]},
        "noisy growth": {
            "loss": grow(decay(ROWS), 150, 1.2) * norms(ROWS, noise=1.5),
            "grad_norm": grow(norms(ROWS), 150, 1.1) * norms(ROWS, seed=7, noise=1.5),
        },
    },
    "gradients_add_up": {
        "level": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
        "exponential": {"loss": decay(ROWS), "grad_norm": 0.5 * geometric(1.05, ROWS)},
        "a straight line that only doubles": {
            "loss": decay(ROWS),
            "grad_norm": np.linspace(1.0, 2.0, ROWS),
        },
        "a straight line under an exploding loss": {
            "loss": grow(decay(ROWS), 3, 1.3),
            "grad_norm": LINE,
        },
        "a norm that rises in noise": {
            "loss": decay(ROWS),
            "grad_norm": np.linspace(1.0, 6.0, ROWS) * norms(ROWS, usual=1.0, noise=0.8),
        },
        "ten rows": {"loss": decay(10), "grad_norm": LINE[:10]},
        "a line from the middle on": {
            "loss": decay(ROWS),
            "grad_norm": np.concatenate([norms(100, usual=0.5), LINE[:100] + 0.5]),
        },
        "no norm": {"loss": decay(ROWS)},
        "a gradient that swings with its loss": {"loss": SWING, "grad_norm": SWING + 0.1},
        "a gradient clipped to one length": {"loss": SWING, "grad_norm": 0 * SWING + 5.0},
        "a gradient that does not swing": {"loss": SWING, "grad_norm": norms(ROWS)},
    },
}
SEEN: Table = {
    "square_law": {
        "slow": quadratic(1.1, rows=60),
        "fast": quadratic(3.0, rows=20),
        "other units": {k: v * 1e-6 for k, v in quadratic(1.5).items()},
        "into NaN": {
            k: np.concatenate([v, np.full(20, np.nan)]) for k, v in quadratic(1.5).items()
        },
    },
    "gradients_add_up": {
        "a straight line": {"loss": decay(ROWS), "grad_norm": LINE},
        "a sum whose terms cancel": {"loss": decay(ROWS), "grad_norm": SUM},
        "other units": {"loss": decay(ROWS) * 1e4, "grad_norm": LINE * 1e-5},
        "a pendulum": {"loss": SWING * 40, "grad_norm": 3.1 - 3 * np.cos(PHASE)},
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def test_the_ratio_of_the_square_law_is_measured() -> None:
    assert abs(clues_of(quadratic(1.5))["square_law"].values["ratio"] - 1.5) < 0.01


def test_only_what_is_to_be_small_is_a_pendulum() -> None:
    """Told where the norm neither climbs along a line nor stays up."""
    fast = np.cos(2 * np.pi * np.arange(ROWS) / 14)
    for name, swings in (("loss", True), ("policy_loss", False)):
        seen = clues_of({name: 0.5 + 0.47 * fast, "grad_norm": 3.1 - 3 * fast})
        said = seen["gradients_add_up"].evidence.statement if "gradients_add_up" in seen else ""
        assert said.startswith("the loss swings") == swings
