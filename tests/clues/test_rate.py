"""Clues of the learning rate."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import (
    Column,
    Columns,
    clues_of,
    constant,
    decay,
    grow,
    put,
    scale,
    steady,
    warm_up,
)

ROWS = 300
BROKEN = grow(decay(ROWS), 240, 1.2)
FLAT = steady(ROWS, usual=2.3, noise=0.003)
COSINE = 1e-3 * 0.5 * (1 + np.cos(np.pi * np.arange(ROWS) / ROWS))


def with_rate(rate: Column, loss: Column = BROKEN) -> dict[str, Column]:
    """A run that breaks at row 240, unless the loss is another."""
    return {"loss": loss, "lr": rate}


CONSTANT = with_rate(constant(ROWS))
RAISED = with_rate(scale(constant(ROWS), slice(237, None), 10.0))
WARMING = with_rate(warm_up(ROWS, ramp=250))
DECAYED = with_rate(COSINE)

UNSEEN: Table = {
    "rate_raised_at_onset": {
        "constant": CONSTANT,
        "warm-up": WARMING,
        "decayed": DECAYED,
        "long before": with_rate(scale(constant(ROWS), slice(100, None), 10.0)),
        "after it broke": with_rate(scale(constant(ROWS), slice(280, None), 10.0)),
        "healthy": with_rate(RAISED["lr"], decay(ROWS)),
    },
    "rate_at_peak": {
        "constant": CONSTANT,
        "decayed": DECAYED,
        "healthy": with_rate(WARMING["lr"], decay(ROWS)),
    },
    "rate_past_peak": {
        "constant": CONSTANT,
        "warm-up": WARMING,
        "healthy": with_rate(COSINE, decay(ROWS)),
    },
    "rate_constant": {
        "warm-up": WARMING,
        "decayed": DECAYED,
        "raised": RAISED,
        "healthy": with_rate(CONSTANT["lr"], decay(ROWS)),
    },
    "rate_collapsed": {
        "ends at zero": with_rate(1e-3 * np.linspace(1.0, 0.0, ROWS), decay(ROWS)),
        "constant and small": with_rate(constant(ROWS, 1e-7), FLAT),
        "drops to a tenth": with_rate(scale(constant(ROWS), slice(60, None), 0.1), FLAT),
        "in the last rows": with_rate(scale(constant(ROWS), slice(270, None), 1e-9), FLAT),
    },
    "rate_fell_below_zero": {
        "from the first row": with_rate(constant(ROWS, -1e-3)),
        "a healthy run": with_rate(1e-3 * np.linspace(1.0, -0.5, ROWS), decay(ROWS)),
        "by rounding": with_rate(put(constant(ROWS), slice(60, None), -1e-20)),
        "after the onset": with_rate(put(constant(ROWS), slice(ROWS - 4, None), -1e-3)),
        "the last step": with_rate(put(constant(ROWS), ROWS - 1, -1e-3)),
        "to zero": with_rate(1e-3 * np.linspace(1.0, 0.0, ROWS)),
        "none": {"loss": BROKEN},
    },
    "rate_negative": {
        "positive": CONSTANT,
        "fell": with_rate(1e-3 * np.linspace(1.0, -0.5, ROWS)),
        "zero": with_rate(constant(ROWS, 0.0)),
        "none": {"loss": BROKEN},
    },
}
SEEN: Table = {
    "rate_raised_at_onset": {
        "": RAISED,
        "other units": with_rate(RAISED["lr"] * 1e4, BROKEN * 1e-3),
    },
    "rate_at_peak": {"": WARMING},
    "rate_past_peak": {"": DECAYED},
    "rate_constant": {"": CONSTANT, "after a warm-up": with_rate(warm_up(ROWS, ramp=50))},
    "rate_collapsed": {
        "early": with_rate(scale(constant(ROWS), slice(60, None), 1e-9), FLAT),
        "a loss that still fell": with_rate(
            scale(constant(ROWS), slice(60, None), 1e-6),
            np.concatenate([decay(60, end=1.5), steady(240, usual=1.5, noise=0.005)]),
        ),
    },
    "rate_fell_below_zero": {"": with_rate(1e-3 * np.linspace(1.0, -0.5, ROWS))},
    "rate_negative": {"": with_rate(constant(ROWS, -1e-3))},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def test_the_jump_is_measured() -> None:
    found = clues_of(RAISED)["rate_raised_at_onset"].values
    np.testing.assert_allclose([found["before"], found["after"]], [1e-3, 1e-2])
