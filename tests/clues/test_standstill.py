"""Clues of a run that does not move."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, decay, norms, put, steady

ROWS = 200
FLAT = steady(ROWS, usual=2.3, noise=0.003)
HUMP = np.concatenate([[2.3, 9.0, 5.0, 3.0], steady(196, usual=2.3, noise=0.003)])
STUCK = np.concatenate([decay(80, end=2.0), steady(120, usual=2.3, noise=0.01)])
STARVED = {f"grad/l{i}.weight": norms(ROWS, usual=10.0 ** (-2 * i)) for i in range(4)}

OFF = {"grad/0.weight": np.zeros(ROWS), "grad/0.bias": np.zeros(ROWS)}
CUT = {**OFF, "grad/1.weight": np.zeros(ROWS), "grad/1.bias": norms(ROWS)}

UNSEEN: Table = {
    "accuracy_never_moves": {
        "learning": {"loss": decay(ROWS), "acc": np.full(ROWS, 0.7241)},
        "one more": {"loss": FLAT, "acc": put(np.full(ROWS, 0.7241), 90, 0.7586)},
        "none": {"loss": FLAT, "acc": np.zeros(ROWS)},
        "few rows": {"loss": FLAT, "val_acc": (np.arange(8), np.full(8, 0.7241))},
    },
    "loss_exactly_zero": {
        "flat": {"loss": FLAT},
        "not at first": {"loss": np.concatenate([[0.1], np.zeros(ROWS)])},
        "with a gradient": {"loss": np.zeros(ROWS), "grad_norm": norms(ROWS)},
        "without a gradient norm": {"loss": np.zeros(ROWS)},
        "very few rows": {"loss": np.zeros(4), "grad_norm": np.zeros(4)},
    },
    "flat_from_start": {
        "learning": {"loss": decay(ROWS)},
        "converged": {"loss": np.concatenate([decay(60), steady(140, usual=0.5)])},
        "NaN": {"loss": put(FLAT, slice(150, None), np.nan)},
        "twenty rows": {"loss": FLAT[:20]},
    },
    "hump_then_flat": {
        "no hump": {"loss": FLAT},
        "a hump, then learning": {"loss": np.concatenate([[2.3, 9.0, 5.0], decay(197)])},
        "a late hump": {"loss": np.concatenate([FLAT[:100], [9.0, 5.0], FLAT[:98]])},
    },
    "tiny_gradient": {
        "ordinary": {"loss": FLAT, "grad_norm": norms(ROWS)},
        "learning": {"loss": decay(ROWS), "grad_norm": norms(ROWS) * 1e-9},
    },
    "layers_starve": {
        "even": {"loss": FLAT, **{name: norms(ROWS) for name in STARVED}},
        "learning": {"loss": decay(ROWS), **STARVED},
    },
    "gradient_stops": {
        "alive": {"loss": STUCK, "grad_norm": norms(ROWS)},
        "converged": {
            "loss": decay(ROWS, start=9.0),
            "grad_norm": put(norms(ROWS), slice(80, None), 0.0),
        },
    },
    "layer_gets_zeros": {
        "frozen": {"loss": FLAT, **OFF, "grad/1.weight": norms(ROWS), "grad/1.bias": norms(ROWS)},
        "switched off in mid-run": {
            "loss": STUCK,
            "grad_norm": put(norms(ROWS), slice(80, None), 0.0),
        },
    },
    "large_norm_flat_loss": {
        "ordinary": {"loss": FLAT, "grad_norm": norms(ROWS)},
        "hundreds": {"loss": FLAT, "grad_norm": norms(ROWS, usual=300.0)},
        "learning": {"loss": decay(ROWS), "grad_norm": norms(ROWS) * 1e5},
        "huge unit": {"loss": FLAT * 1e6, "grad_norm": norms(ROWS) * 1e6},
        "now and then": {"loss": FLAT, "grad_norm": put(norms(ROWS), slice(0, None, 10), 1e5)},
        "mostly infinite": {
            "loss": FLAT,
            "grad_norm": put(norms(ROWS) * 1e5, slice(60, None), np.inf),
        },
        "no norm": {"loss": FLAT},
        "NaN": {"loss": put(FLAT, slice(150, None), np.nan), "grad_norm": norms(ROWS) * 1e5},
    },
    "gradient_alive": {
        "huge": {"loss": FLAT, "grad_norm": norms(ROWS) * 1e5},
        "tiny": {"loss": FLAT, "grad_norm": norms(ROWS) * 1e-9},
        "learning": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
        "no norm": {"loss": FLAT},
    },
}
SEEN: Table = {
    "accuracy_never_moves": {
        "": {"loss": FLAT, "acc": np.full(ROWS, 0.7241)},
        "of the validation": {
            "loss": FLAT,
            "acc": 0.5 + 0.1 * np.sin(np.arange(ROWS)),
            "val_acc": (np.arange(9, ROWS, 10), np.full(ROWS // 10, 0.7241)),
        },
    },
    "loss_exactly_zero": {
        "": {"loss": np.zeros(ROWS), "grad_norm": np.zeros(ROWS)},
        "few rows": {"loss": np.zeros(6), "grad_norm": np.zeros(6)},
    },
    "flat_from_start": {"": {"loss": FLAT}, "tiny unit": {"loss": FLAT * 1e-6}},
    "hump_then_flat": {"": {"loss": HUMP}},
    "tiny_gradient": {"": {"loss": FLAT, "grad_norm": norms(ROWS) * 1e-9}},
    "layers_starve": {"": {"loss": FLAT, **STARVED}},
    "gradient_stops": {"": {"loss": STUCK, "grad_norm": put(norms(ROWS), slice(80, None), 0.0)}},
    "layer_gets_zeros": {"": {"loss": FLAT, **CUT}, "learning": {"loss": decay(ROWS), **CUT}},
    "large_norm_flat_loss": {
        "": {"loss": FLAT, "grad_norm": norms(ROWS) * 1e5},
        "noisy": {"loss": FLAT, "grad_norm": norms(ROWS, noise=0.8) * 1e5},
        "some infinite": {
            "loss": FLAT,
            "grad_norm": put(norms(ROWS) * 1e5, [0, 1, 90], np.inf),
        },
        "thirty rows": {"loss": FLAT[:30], "grad_norm": norms(30) * 1e5},
    },
    "gradient_alive": {
        "huge unit": {"loss": FLAT * 1e6, "grad_norm": norms(ROWS) * 1e6},
        "": {"loss": FLAT, "grad_norm": norms(ROWS)},
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
