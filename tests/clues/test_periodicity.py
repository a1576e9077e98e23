"""Clues of spikes that come back."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, constant, decay, norms, put, run_of, scale

ROWS = 1000
EPOCH = np.arange(ROWS) / 100
REGULAR = [137, 337, 537, 737, 937]
SHUFFLED = [30, 171, 245, 360, 418, 577, 622, 759, 806, 947]
IRREGULAR = [130, 310, 391, 700, 952]
RESTARTS = 1e-3 * np.where(np.arange(ROWS) % 200 < 137, 1.0, 10.0)


def spikes(rows: list[int], heights: float = 12.0) -> dict[str, np.ndarray]:
    """A healthy loss with equal spikes in some rows."""
    return {"loss": scale(decay(ROWS, end=2.3), rows, heights)}


UNSEEN: Table = {
    "fixed_period": {
        "irregular": spikes(IRREGULAR),
        "shuffled": {**spikes(SHUFFLED), "epoch": EPOCH},
        "a late one that fits by chance": spikes([100, 150, 200, 950]),
        "one": spikes([400]),
        "two": spikes([400, 600]),
        "healthy": {"loss": decay(ROWS)},
    },
    "once_per_epoch": {
        "regular": {**spikes(REGULAR), "epoch": EPOCH},
        "no epoch": spikes(SHUFFLED),
        "half of the epochs": {**spikes(SHUFFLED[::2]), "epoch": EPOCH},
        "irregular": {**spikes(IRREGULAR), "epoch": EPOCH},
    },
    "spikes_follow_rate": {
        "constant rate": {**spikes(REGULAR), "lr": constant(ROWS)},
        "no rate": spikes(REGULAR),
        "jumps elsewhere": {**spikes([40, 240, 440, 640, 840]), "lr": RESTARTS},
    },
    "equal_heights": {
        "growing": {"loss": scale(decay(ROWS, end=2.3), REGULAR, np.array([5.0, 12, 40, 90, 300]))},
        "one": spikes([400]),
    },
    "irregular_spikes": {
        "regular": spikes(REGULAR),
        "shuffled with epochs": {**spikes(SHUFFLED), "epoch": EPOCH},
        "two": spikes([400, 643]),
        "healthy": {"loss": decay(ROWS)},
    },
}
AFTERSHOCKS = scale(spikes(REGULAR, 4000.0)["loss"], [140, 148, 344, 541, 749], 9.0)
SEEN: Table = {
    "fixed_period": {
        "with aftershocks": {"loss": AFTERSHOCKS},
        "every one": spikes(REGULAR),
        "one missed": spikes([137, 337, 737, 937]),
        "in the norm": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), REGULAR, 50.0)},
        "as NaN": {"loss": put(decay(ROWS), REGULAR, np.nan)},
        "sparse": run_of(spikes(REGULAR), np.arange(ROWS) * 10),
    },
    "once_per_epoch": {"": {**spikes(SHUFFLED), "epoch": EPOCH}},
    "spikes_follow_rate": {"": {**spikes([138, 338, 538, 738, 938]), "lr": RESTARTS}},
    "equal_heights": {"": spikes(REGULAR)},
    "irregular_spikes": {"no epoch": spikes(SHUFFLED), "irregular": spikes(IRREGULAR)},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def test_period_and_phase_are_measured() -> None:
    assert clues_of(spikes(REGULAR))["fixed_period"].values == {"period": 200, "phase": 137}
