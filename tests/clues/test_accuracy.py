"""Clues of an accuracy that is worse than a guess."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of

ROWS = 120
CLIMBING = 2.5 + 1e-2 * np.arange(ROWS) + np.geomspace(1e-3, 40.0, ROWS)
BLOWN_UP = np.concatenate([np.full(6, 2.5), np.geomspace(3.0, 900.0, ROWS - 6)])


def right(first: float, then: float, batch: int = 100, seed: int = 3) -> Column:
    """Shares of a batch that are right: of an untrained model, and from row 12 on."""
    chance = np.concatenate([np.full(12, first), np.full(ROWS - 12, then)])
    return np.random.default_rng(seed).binomial(batch, chance) / batch


def smoothed(shares: Column) -> Column:
    """A running mean, as progress bars show it."""
    mean, found = float(shares[0]), []
    for share in shares:
        mean = 0.8 * mean + 0.2 * float(share)
        found.append(mean)
    return np.array(found)


def logged(loss: Column, accuracy: Column) -> Columns:
    return {"loss": loss, "accuracy": accuracy}


UNSEEN: Table = {
    "accuracy_below_chance": {
        "at chance": logged(CLIMBING, right(0.05, 0.05)),
        "at another class": logged(CLIMBING, right(0.05, 0.03)),
        "small batches": logged(CLIMBING, right(0.02, 0.0, batch=8)),
        "smoothed": logged(CLIMBING, smoothed(right(0.1, 0.02, batch=8))),
        "it blew up": logged(BLOWN_UP, right(0.05, 0.0)),
        "it learns": logged(np.geomspace(2.5, 0.1, ROWS), right(0.05, 0.9)),
        "none": {"loss": CLIMBING},
    },
}
SEEN: Table = {
    "accuracy_below_chance": {
        "": logged(CLIMBING, right(0.05, 0.002)),
        "in per cent": logged(CLIMBING, 100 * right(0.1, 0.0)),
        "two classes": logged(CLIMBING, right(0.5, 0.1)),
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
