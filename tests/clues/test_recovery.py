"""Clues of what follows an event that the run shook off."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, decay, norms, put, run_of, scale, steady

ROWS = 400
NAN = np.nan
ANEW = np.arange(ROWS) - 50


def failing(rows: int | slice | list[int]) -> dict[str, Column]:
    """Loss and gradient norm that are NaN in some rows."""
    return {"loss": put(decay(ROWS), rows, NAN), "grad_norm": put(norms(ROWS), rows, NAN)}


def beside_norm(loss: Column) -> dict[str, Column]:
    """A loss beside healthy gradient norms."""
    return {"loss": loss, "grad_norm": norms(ROWS)}


def courses(*starts: float, rows: int = 60, fall: float = 1e-4) -> Column:
    """A loss that falls from each start in turn, as a new training does."""
    return np.concatenate(
        [
            norms(rows, seed, 1.0, 0.05) * np.geomspace(s, fall, rows)
            for seed, s in enumerate(starts)
        ]
    )


LONG = scale(decay(ROWS), slice(300, 330), np.linspace(12.0, 3.0, 30))

UNSEEN: Table = {
    "nan_left_no_trace": {
        "for good": beside_norm(put(decay(ROWS), slice(200, None), NAN)),
        "ten rows": beside_norm(put(decay(ROWS), slice(200, 210), NAN)),
        "never": beside_norm(decay(ROWS)),
        "bad afterwards": beside_norm(scale(put(decay(ROWS), 200, NAN), slice(201, 260), 9.0)),
        "no norm": {"loss": put(decay(ROWS), 200, NAN)},
        "no norm of that row": {
            "loss": put(decay(ROWS), 205, NAN),
            "grad_norm": (np.arange(0, ROWS, 10), norms(ROWS // 10)),
        },
        "a NaN norm": failing(200),
    },
    "nan_passed": {
        "for good": {"loss": put(decay(ROWS), slice(200, None), NAN)},
        "ten rows": {"loss": put(decay(ROWS), slice(200, 210), NAN)},
        "never": {"loss": decay(ROWS)},
        "bad afterwards": {"loss": scale(put(decay(ROWS), 200, NAN), slice(201, 260), 9.0)},
        "a finite norm": beside_norm(put(decay(ROWS), 200, NAN)),
        "a NaN norm": failing(200),
        "a checkpoint was loaded again": run_of(
            {"loss": put(decay(ROWS), 200, NAN)}, resumed_at=(201,)
        ),
    },
    "nan_step_skipped": {
        "an ordinary norm": {"loss": put(decay(ROWS), 200, NAN), "grad_norm": norms(ROWS)},
        "a norm of 0": {
            "loss": put(decay(ROWS), 200, NAN),
            "grad_norm": put(norms(ROWS), 200, 0.0),
        },
        "no norm": {"loss": put(decay(ROWS), slice(200, 204), NAN)},
        "NaN elsewhere": {
            "loss": put(decay(ROWS), 200, NAN),
            "grad_norm": put(norms(ROWS), 205, NAN),
        },
        "only one of several": {
            "loss": put(decay(ROWS), [100, 200, 300], NAN),
            "grad_norm": put(norms(ROWS), 200, NAN),
        },
        "for good": failing(slice(200, None)),
        "bad afterwards": {
            "loss": scale(put(decay(ROWS), slice(200, 204), NAN), slice(204, 260), 9.0),
            "grad_norm": put(norms(ROWS), slice(200, 204), NAN),
        },
        "only the norm": {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), 200, NAN)},
        "a checkpoint was loaded again": run_of(failing(slice(200, 230)), resumed_at=(230,)),
        "the step went back": run_of(
            failing(slice(200, 230)), np.where(np.arange(ROWS) < 230, np.arange(ROWS), ANEW)
        ),
    },
    "zero_gradient_beside_nan": {
        "NaN": {"loss": put(decay(ROWS), 200, NAN), "grad_norm": put(norms(ROWS), 200, NAN)},
        "an ordinary norm": {"loss": put(decay(ROWS), 200, NAN), "grad_norm": norms(ROWS)},
        "half of the usual norm": {
            "loss": put(decay(ROWS), 200, NAN),
            "grad_norm": put(norms(ROWS), 200, 0.4),
        },
        "less in one row of two": {
            "loss": put(decay(ROWS), [200, 300], NAN),
            "grad_norm": put(put(norms(ROWS), 200, 0.1), 300, 0.8),
        },
        "zero elsewhere": {
            "loss": put(decay(ROWS), 200, NAN),
            "grad_norm": put(norms(ROWS), 201, 0.0),
        },
    },
    "sharp_spike": {
        "slow": {"loss": LONG},
        "for good": {"loss": scale(decay(ROWS), slice(300, None), 20.0)},
        "healthy": {"loss": decay(ROWS)},
    },
    "gradient_calm_at_spike": {
        "both": {"loss": scale(decay(ROWS), 300, 20.0), "grad_norm": scale(norms(ROWS), 300, 50.0)},
        "no norm": {"loss": scale(decay(ROWS), 300, 20.0)},
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    },
    "learned_anew": {
        "twice": {"loss": courses(2.7, 3.6, 5.0)},
        "passing spikes": {"loss": scale(decay(ROWS), [100, 200, 300], 20.0)},
        "a bad batch of each epoch": {"loss": put(courses(2.7, rows=400), [100, 200, 300], 5.0)},
        "far beyond the first rows": {"loss": courses(2.7, 900.0, 900.0, 900.0)},
        "a wound far below them": {"loss": courses(2.7, 0.04, 0.04, 0.04)},
    },
    "slow_recovery": {
        "sharp": {"loss": scale(decay(ROWS), 300, 20.0)},
        "healthy": {"loss": decay(ROWS)},
    },
    "gradient_only_spike": {
        "both": {"loss": scale(decay(ROWS), 300, 20.0), "grad_norm": scale(norms(ROWS), 300, 50.0)},
        "only the loss": {"loss": scale(decay(ROWS), 300, 20.0), "grad_norm": norms(ROWS)},
        "healthy": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    },
    "gradient_beyond_reason": {
        "steep": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), 300, 1e8)},
        "both": {"loss": scale(decay(ROWS), 300, 1e9), "grad_norm": scale(norms(ROWS), 300, 1e20)},
        "not finite": {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), 300, np.inf)},
        "for good": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), slice(300, None), 1e20)},
        "a large unit": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), 300, 50.0) * 1e20},
    },
}
SEEN: Table = {
    "nan_left_no_trace": {
        "one row": beside_norm(put(decay(ROWS), 200, NAN)),
        "several": beside_norm(put(decay(ROWS), [100, 200, 333], NAN)),
        "negative": beside_norm(put(decay(ROWS), 200, NAN) - 9.0),
        "a norm of 0": {
            "loss": put(decay(ROWS), 200, NAN),
            "grad_norm": put(norms(ROWS), 200, 0.0),
        },
    },
    "nan_passed": {
        "one row": {"loss": put(decay(ROWS), 200, NAN)},
        "several": {"loss": put(decay(ROWS), [100, 200, 333], NAN)},
        "negative": {"loss": put(decay(ROWS), 200, NAN) - 9.0},
        "tiny unit": {"loss": put(decay(ROWS), 200, NAN) * 1e-6},
        "no norm of that row": {
            "loss": put(decay(ROWS), 205, NAN),
            "grad_norm": (np.arange(0, ROWS, 10), norms(ROWS // 10)),
        },
    },
    "nan_step_skipped": {
        "one row": failing(200),
        "several rows": failing(slice(200, 208)),
        "again and again": failing([100, 101, 200, 333]),
        "infinite": {
            "loss": put(decay(ROWS), 200, np.inf),
            "grad_norm": put(norms(ROWS), 200, np.inf),
        },
        "negative": {
            "loss": put(decay(ROWS), 200, NAN) - 9.0,
            "grad_norm": put(norms(ROWS), 200, NAN),
        },
        "sparse": run_of(failing(slice(200, 203)), np.arange(ROWS) * 50),
        "resumed long before": run_of(failing(slice(200, 204)), resumed_at=(100,)),
    },
    "zero_gradient_beside_nan": {
        "": {"loss": put(decay(ROWS), 200, NAN), "grad_norm": put(norms(ROWS), 200, 0.0)},
        "a part of the loss is left": {
            "loss": put(decay(ROWS), 200, NAN),
            "grad_norm": put(norms(ROWS), 200, 0.1),
        },
    },
    "sharp_spike": {
        "one row": {"loss": scale(decay(ROWS), 300, 20.0)},
        "two rows": {"loss": scale(decay(ROWS), [300, 301], 20.0)},
        "negative": {"loss": scale(decay(ROWS), 300, 20.0) - 9.0},
        "sparse": run_of({"loss": scale(decay(ROWS), 300, 20.0)}, np.arange(ROWS) * 100),
    },
    "gradient_calm_at_spike": {
        "": {"loss": scale(decay(ROWS), 300, 20.0), "grad_norm": norms(ROWS, noise=0.05)},
    },
    "learned_anew": {
        "a curriculum": {"loss": courses(2.7, 3.6, 6.0, 6.8)},
        "harder and harder": {"loss": courses(2.9, 7.4, 7.6, 39.0, 45.0)},
        "another unit": {"loss": 1e4 * courses(2.7, 3.6, 6.0, 6.8)},
        "sparse": run_of({"loss": courses(2.7, 3.6, 6.0, 6.8)}, np.arange(240) * 50),
    },
    "slow_recovery": {"": {"loss": LONG}},
    "gradient_only_spike": {"": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), 300, 50.0)}},
    "gradient_beyond_reason": {
        "one row": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), 300, 1e20)},
        "small gradients": {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), 300, 1e20) / 1e3},
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def strength(columns: Columns, key: str) -> float:
    return clues_of(columns)[key].strength


def test_the_higher_a_spike_the_less_a_training_makes_it() -> None:
    ten, thousand = ({"loss": scale(decay(ROWS), 300, factor)} for factor in (12.0, 2000.0))
    assert strength(ten, "sharp_spike") < 0.5
    assert strength(thousand, "sharp_spike") == 1.0


def test_what_comes_back_to_a_standstill_says_little() -> None:
    still = {"loss": scale(steady(120, usual=2.3, noise=0.002), 10, 2000.0)}
    assert strength(still, "sharp_spike") < 0.5
