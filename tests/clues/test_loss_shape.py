"""Clues of the course of the loss itself."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, decay, grow, norms, put, run_of, scale, steady

ROWS = 300
FALL = 1.0 - 0.05 * np.arange(ROWS) + 0.05 * np.random.default_rng(3).standard_normal(ROWS)
FALL_NAN = put(FALL, slice(250, None), np.nan)
CLAMPED = np.concatenate([decay(100), 100 / 16 * (1 + np.arange(200) % 4)])
ASCENT = 2.3 * np.exp(np.linspace(0.0, 2.2, ROWS) ** 2)
LEVEL_NAN = put(
    np.concatenate([decay(150), steady(150, usual=0.5)]) - 9.0, slice(250, None), np.nan
)
STUCK = np.concatenate([decay(150), [60.0, 40.0], steady(148, usual=9.0)])

UNSEEN: Table = {
    "floorless_fall": {
        "negative and level": {"loss": LEVEL_NAN},
        "positive and falling": {
            "loss": put(np.linspace(9.0, 1.0, ROWS), slice(250, None), np.nan)
        },
        "nothing to explain": {"loss": FALL},
    },
    "floorless_with_gradient": {
        "level norm": {"loss": FALL_NAN, "grad_norm": norms(ROWS)},
        "no norm": {"loss": FALL_NAN},
        "a loss that has a floor": {
            "loss": LEVEL_NAN,
            "grad_norm": norms(ROWS) * np.linspace(1.0, 30.0, ROWS),
        },
    },
    "spikes_from_negative": {
        "positive": {"loss": scale(decay(ROWS), [100, 200], 50.0)},
        "one": {"loss": put(FALL, 200, 300.0)},
        "small": {"loss": put(decay(ROWS) - 9.0, [100, 200], -5.0)},
    },
    "log_clamp_values": {
        "ordinary": {"loss": decay(ROWS, start=9.0, end=3.0)},
        "low": {"loss": decay(ROWS)},
        "diverged": {"loss": grow(decay(ROWS), 200, 1.03)},
        "few rows": {"loss": CLAMPED[100:108]},
        "flat": {"loss": steady(ROWS, usual=1.79, noise=0.002)},
        "flat at a clamp": {"loss": steady(ROWS, usual=50.0, noise=0.0)},
    },
    "frozen_high": {
        "grows on": {"loss": grow(decay(ROWS), 250, 1.2)},
        "into NaN": {"loss": put(STUCK, slice(200, None), np.nan)},
        "comes back": {"loss": scale(decay(ROWS), slice(150, 160), 60.0)},
    },
    "negative_at_once": {
        "glides through 0": {"loss": np.append(decay(150), 0.4 - 0.05 * np.arange(150) ** 2)},
        "a little below": {"loss": np.append(decay(150), np.full(150, -1.0))},
        "one row": {"loss": put(decay(ROWS), 200, -90.0)},
        "early": {"loss": np.append(decay(20), -50.0 * np.arange(1, 281))},
        "negative before": {"loss": np.append(decay(150) - 3.0, -50.0 * np.arange(1, 151))},
        "healthy": {"loss": decay(ROWS)},
    },
    "monotone_rise": {
        "fell first": {"loss": np.concatenate([decay(150), np.geomspace(0.5, 80.0, 150)])},
        "at once": {"loss": np.concatenate([[2.3, 900.0], steady(298, usual=500.0)])},
        "slowing down": {"loss": 2.3 + 3.0 * np.sqrt(np.arange(ROWS))},
        "healthy": {"loss": decay(ROWS)},
    },
    "negative_from_first_row": {
        "positive at first": {"loss": FALL_NAN},
        "positive in the first row": {"loss": put(LEVEL_NAN, 0, 0.4)},
        "positive": {"loss": put(decay(ROWS), slice(250, None), np.nan)},
        "zero": {"loss": put(np.zeros(ROWS), slice(250, None), np.nan)},
        "NaN from the first row": {"loss": np.full(ROWS, np.nan)},
        "nothing to explain": {"loss": np.minimum(decay(ROWS), 1.0) - 5.0},
        "nine rows": {"loss": put(LEVEL_NAN[:9], slice(7, None), np.nan)},
    },
    "hidden_by_logger": {
        "an honest zero": {"loss": np.maximum(decay(ROWS, start=1.5, end=-0.4), 0.0)},
        "NaN": {"loss": put(decay(ROWS), slice(200, None), np.nan)},
    },
}
SEEN: Table = {
    "floorless_fall": {
        "into NaN": {"loss": FALL_NAN},
        "few rows": {"loss": FALL_NAN[:264:18]},
        "sparse": run_of({"loss": FALL_NAN}, np.arange(ROWS) * 9),
    },
    "floorless_with_gradient": {
        "": {"loss": FALL_NAN, "grad_norm": norms(ROWS) * np.linspace(1.0, 30.0, ROWS)},
    },
    "spikes_from_negative": {"": {"loss": put(FALL, [150, 200, 260], 300.0)}},
    "log_clamp_values": {
        "": {"loss": CLAMPED},
        "forty terms, some not clamped": {
            "loss": put(
                np.tile([42.5, 45.0, 47.5, 50.0, 52.5], ROWS // 5), slice(0, None, 7), 43.53
            )
        },
        "four terms": {"loss": np.concatenate([decay(100), 25.0 * (1 + np.arange(200) % 3)])},
    },
    "frozen_high": {"": {"loss": STUCK}},
    "negative_at_once": {
        unit: {"loss": size * np.append(decay(150, end=0.05), -30.0 * np.arange(1, 151) ** 2)}
        for unit, size in (("a unit", 1.0), ("small", 1e-4))
    },
    "monotone_rise": {
        "": {"loss": ASCENT},
        "in noise": {"loss": np.linspace(2.4, 9.0, ROWS) ** 2 * norms(ROWS, usual=1.0, noise=0.1)},
    },
    "negative_from_first_row": {
        "into NaN": {"loss": LEVEL_NAN},
        "tiny unit": {"loss": LEVEL_NAN * 1e-6},
        "without a floor": {"loss": FALL_NAN - 2.0},
        "sparse": run_of({"loss": LEVEL_NAN}, np.arange(ROWS) * 9),
    },
    "hidden_by_logger": {"": {"loss": put(decay(ROWS), slice(200, None), 0.0)}},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def test_a_negated_loss_stays_near_its_first_level_and_a_difference_does_not() -> None:
    negated = put(-2.3 - 0.001 * np.arange(ROWS, dtype=float) ** 2, slice(250, None), np.nan)
    difference = put(-0.1 * np.arange(1.0, ROWS + 1), slice(250, None), np.nan)
    assert clues_of({"loss": negated})["negative_from_first_row"].strength > 0.8
    assert clues_of({"loss": difference})["negative_from_first_row"].strength < 0.5
