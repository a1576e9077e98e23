"""Clues of the rows before the failure."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import (
    Columns,
    clues_of,
    decay,
    geometric,
    grow,
    norms,
    put,
    run_of,
    scale,
    steady,
)

ROWS = 400
CALM_NAN = {
    "loss": put(decay(ROWS), slice(300, None), np.nan),
    "grad_norm": put(norms(ROWS), slice(300, None), np.nan),
}
RAMP = {
    "loss": grow(decay(ROWS), 370, 1.5),
    "grad_norm": grow(norms(ROWS, noise=0.1), 370, 1.5),
}
OUTLIER = {
    "loss": np.concatenate([decay(300), [40.0, 30.0, 22.0], steady(97, usual=15.0)]),
    "grad_norm": scale(norms(ROWS), 300, 60.0),
}
GROWING = {
    "loss": grow(decay(ROWS), 360, 1.2),
    "grad_norm": norms(ROWS, noise=0.1) * np.geomspace(1.0, 400.0, ROWS),
}
LED = {
    "loss": grow(decay(ROWS), 374, 1.5),
    "grad_norm": grow(norms(ROWS, noise=0.1), 365, 1.5),
}
RISE = np.append(np.geomspace(1.3, 5.0, 8), 900.0)
RISEN = {**OUTLIER, "grad_norm": scale(norms(ROWS, noise=0.1), slice(292, 301), RISE)}
HEALTHY = {"loss": decay(ROWS), "grad_norm": norms(ROWS)}

UNSEEN: Table = {
    "gradient_ramp": {
        "calm": CALM_NAN,
        "one jump": OUTLIER,
        "healthy": HEALTHY,
        "only the loss": {"loss": RAMP["loss"]},
        "a level norm": {"loss": RAMP["loss"], "grad_norm": norms(ROWS)},
    },
    "loss_ramp": {
        "calm": CALM_NAN,
        "healthy": HEALTHY,
        "one jump": OUTLIER,
        "slow drift": {"loss": np.concatenate([decay(200), np.linspace(0.5, 3.0, 200)])},
    },
    "one_row_jump": {
        "ramp": RAMP,
        "calm": CALM_NAN,
        "fourfold": {"loss": scale(decay(ROWS), slice(300, None), 4.0)},
        "in the first rows": {"loss": np.concatenate([[1.0, 50.0], steady(98, usual=40.0)])},
    },
    "gradient_jumped_too": {
        "ramp": RAMP,
        "only the loss": {"loss": OUTLIER["loss"]},
        "an ordinary norm": {**OUTLIER, "grad_norm": norms(len(OUTLIER["loss"]))},
    },
    "loss_climbed": {
        "calm": CALM_NAN,
        "recovered": {"loss": scale(decay(ROWS), slice(200, 205), 30.0)},
        "healthy": HEALTHY,
        "downwards": {"loss": -0.1 - geometric(1.03, ROWS)},
    },
    "fell_without_floor": {
        "steadily negative": {"loss": -np.linspace(1.0, 20.0, ROWS)},
        "upwards": RAMP,
        "healthy": HEALTHY,
    },
    "calm_before": {
        "early": {"loss": put(decay(ROWS), slice(60, None), np.nan)},
        "epochs": run_of(CALM_NAN, unit="epoch"),
        "rising": {"loss": grow(steady(ROWS), 100, 1.02)},
        "healthy": HEALTHY,
    },
    "gradient_led_loss": {
        "together": RAMP,
        "loss first": {
            "loss": grow(decay(ROWS), 365, 1.5),
            "grad_norm": grow(norms(ROWS, noise=0.1), 376, 1.5),
        },
        "calm": CALM_NAN,
        "a recovered spike long before": {
            "loss": RAMP["loss"],
            "grad_norm": scale(norms(ROWS), 100, 50.0),
        },
    },
    "gradient_rose_before": {
        "level": CALM_NAN,
        "out of the blue": OUTLIER,
        "a ramp that is the failure": RAMP,
        "one large row among those before": {
            **OUTLIER,
            "grad_norm": scale(OUTLIER["grad_norm"], 299, 8.0),
        },
        "few rows before": {k: v[280:] for k, v in RISEN.items()},
    },
    "slow_gradient_growth": {
        "level": CALM_NAN,
        "a late ramp": RAMP,
        "a little": {
            "loss": grow(decay(ROWS), 360, 1.2),
            "grad_norm": norms(ROWS, noise=0.1) * np.geomspace(1.0, 4.0, ROWS),
        },
        "healthy, growing": {"loss": decay(ROWS), "grad_norm": GROWING["grad_norm"]},
    },
    "flat_gradient": {
        "grown": {
            "loss": put(decay(ROWS), slice(395, None), np.nan),
            "grad_norm": RAMP["grad_norm"],
        },
        "no norm": {"loss": CALM_NAN["loss"]},
        "ramp": RAMP,
    },
}
SEEN: Table = {
    "gradient_rose_before": {
        "before a blow": RISEN,
        "another unit": {k: 1e-5 * v for k, v in RISEN.items()},
    },
    "gradient_ramp": {
        "both": RAMP,
        "into NaN": {k: put(v, slice(385, None), np.nan) for k, v in RAMP.items()},
        "other units": {k: v * 1e-6 for k, v in RAMP.items()},
    },
    "loss_ramp": {"both": RAMP, "only the loss": {"loss": RAMP["loss"]}},
    "one_row_jump": {
        "with the norm": OUTLIER,
        "only the loss": {"loss": OUTLIER["loss"]},
        "recovered": {"loss": scale(decay(ROWS), 300, 60.0)},
    },
    "gradient_jumped_too": {"with the norm": OUTLIER},
    "loss_climbed": {"ramp": RAMP, "jump": OUTLIER, "slow": {"loss": grow(decay(ROWS), 200, 1.01)}},
    "fell_without_floor": {"": {"loss": -0.1 - geometric(1.03, ROWS)}},
    "calm_before": {"NaN": CALM_NAN, "ramp": RAMP},
    "gradient_led_loss": {"": LED, "sparse": run_of(LED, np.arange(ROWS) * 50)},
    "slow_gradient_growth": {"": GROWING},
    "flat_gradient": {"": CALM_NAN, "sparse": run_of(CALM_NAN, np.arange(ROWS) * 50)},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def test_the_ratio_of_a_ramp_is_measured() -> None:
    assert 1.3 < clues_of(RAMP)["gradient_ramp"].values["ratio"] < 1.7


def test_the_height_of_a_jump_is_measured() -> None:
    assert 50 < clues_of(OUTLIER)["one_row_jump"].values["ratio"] < 120


def test_a_jump_between_sparse_rows_weighs_less() -> None:
    dense, sparse = clues_of(OUTLIER), clues_of(run_of(OUTLIER, np.arange(ROWS) * 100))
    assert sparse["one_row_jump"].strength < dense["one_row_jump"].strength
