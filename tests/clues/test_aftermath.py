"""Clues of damage that a jump left behind."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import (
    Column,
    Columns,
    clues_of,
    decay,
    grow,
    norms,
    put,
    run_of,
    scale,
    steady,
)

ROWS = 400
AT = 200


def damaged(
    rows: int = ROWS, at: int = AT, height: float = 12.0, lasts: float = 40.0, noise: float = 0.04
) -> Column:
    """A loss that is multiplied in one row and comes back exponentially."""
    bump = np.ones(rows)
    bump[at:] += (height - 1.0) * np.exp(-np.arange(rows - at) / lasts)
    return decay(rows, noise=noise) * bump


BUMP = 1.0 + 9.0 * np.exp(-(((np.arange(ROWS) - 230) / 12) ** 2))

UNSEEN: Table = {
    "jump_then_decay": {
        "healthy": {"loss": decay(ROWS)},
        "back in the next row": {"loss": scale(decay(ROWS), AT, 20.0)},
        "back after two rows": {"loss": scale(decay(ROWS), [AT, AT + 1], 20.0)},
        "stays up": {"loss": np.concatenate([decay(AT), steady(ROWS - AT, usual=9.0)])},
        "stays up, noisy": {
            "loss": np.concatenate([decay(AT), steady(ROWS - AT, usual=9.0, noise=0.2)])
        },
        "rises over many rows, then falls": {"loss": decay(ROWS) * BUMP},
        "grows on": {"loss": grow(decay(ROWS), AT, 1.3)},
        "mostly back at once": {
            "loss": scale(
                decay(ROWS), slice(AT, AT + 60), np.concatenate([[40.0], np.linspace(4, 1, 59)])
            )
        },
        "a small jump": {"loss": damaged(height=1.2)},
        "into NaN": {"loss": put(damaged(), slice(AT + 15, None), np.nan)},
        "only the norm": {"loss": decay(ROWS), "grad_norm": norms(ROWS) * damaged() / decay(ROWS)},
        "in the first rows": {"loss": damaged(at=3)},
    },
}
SEEN: Table = {
    "jump_then_decay": {
        "over forty rows": {"loss": damaged()},
        "over hundreds of rows": {"loss": damaged(1500, 800, lasts=200.0)},
        "low": {"loss": damaged(height=4.0)},
        "half gone in the next rows": {"loss": damaged(height=7000.0, lasts=5.0)},
        "far beyond what steps undo": {
            "loss": np.concatenate([decay(AT), steady(ROWS - AT, usual=1e34)])
        },
        "noisy": {"loss": damaged(noise=0.15)},
        "tiny unit": {"loss": damaged() * 1e-6},
        "huge unit": {"loss": damaged() * 1e6},
        "negative": {"loss": damaged() - 3.0},
        "sparse": run_of({"loss": damaged()}, np.arange(ROWS) * 50),
        "ninety rows": {"loss": damaged(90, 45, lasts=12.0)},
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
