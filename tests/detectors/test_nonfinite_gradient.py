"""A gradient norm that is NaN or infinite: a failure, unless a loss scaler skipped the step."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.nonfinite_gradient import detect
from tests.synthetic import Column, Columns, constant, decay, norms, put, run_of, told

ROWS = 800
NAN, INF = np.nan, np.inf
SKIPS = [90, 310, 500, 730]


def halved(rows: int, at: list[int]) -> Column:
    """A loss scale that is halved in the row after a skip and doubled 60 rows later."""
    scale = np.full(rows, 65536.0)
    for row in at:
        scale[row + 1 : row + 61] /= 2
    return scale


NONE: dict[str, Columns] = {
    "finite": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    "no norm": {"loss": put(decay(ROWS), slice(200, None), NAN)},
    "skips that halve the scale": {
        "loss": decay(ROWS),
        "grad_norm": put(norms(ROWS), SKIPS, INF),
        "loss_scale": halved(ROWS, SKIPS),
    },
    "skips that are counted": {
        "loss": decay(ROWS),
        "grad_norm": put(norms(ROWS), SKIPS, NAN),
        "skipped_steps": put(np.zeros(ROWS), SKIPS, 1.0),
    },
    "the search for the first scale": {
        "loss": decay(ROWS),
        "grad_norm": put(norms(ROWS), slice(0, 12), INF),
        "loss_scale": np.concatenate([65536 / 2.0 ** np.arange(12), constant(ROWS - 12, 16.0)]),
    },
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


FOUND: dict[str, tuple[Columns, list[tuple[str, int, bool]]]] = {
    "NaN to the end": (
        {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), slice(500, None), NAN)},
        [("failure", 500, False)],
    ),
    "NaN from the first row": (
        {"loss": decay(ROWS), "grad_norm": constant(ROWS, NAN)},
        [("failure", 0, False)],
    ),
    "of twenty rows": (
        {"loss": decay(20), "grad_norm": put(norms(20), slice(12, None), NAN)},
        [("failure", 12, False)],
    ),
    "one NaN beside a NaN loss": (
        {"loss": put(decay(ROWS), 300, NAN), "grad_norm": put(norms(ROWS), 300, NAN)},
        [("spike", 300, True)],
    ),
    "skips without a logged scale": (
        {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), SKIPS, INF)},
        [("warning", step, True) for step in SKIPS],
    ),
    "thirty rows at once are no skip": (
        {
            "loss": decay(ROWS),
            "grad_norm": put(norms(ROWS), slice(300, 330), NAN),
            "loss_scale": halved(ROWS, [300]),
        },
        [("spike", 300, True)],
    ),
    "an infinite norm of finite gradients": (
        {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), slice(300, None), INF)},
        [("warning", 300, False)],
    ),
    "means over epochs in which the scale holds": (
        {
            "loss": decay(6),
            "grad_norm": np.full(6, INF),
            "loss_scale": np.array([263192.6, 299499.5, 267780.1, 295174.1, 280011.0, 291771.4]),
        },
        [("warning", 0, False)],
    ),
    "means over epochs in which the scale is lost": (
        {
            "loss": decay(6),
            "grad_norm": np.full(6, INF),
            "loss_scale": np.array([263192.6, 29949.5, 2678.1, 295.1, 28.0, 2.9]),
        },
        [("failure", 0, False)],
    ),
    "single steps beside a scale that nothing halves": (
        {"loss": decay(6), "grad_norm": np.full(6, INF), "loss_scale": np.full(6, 65536.0)},
        [("failure", 0, False)],
    ),
    "an infinite norm under a loss that stopped falling and rose": (
        {
            "loss": np.concatenate([decay(300), np.linspace(0.5, 3.0, 500)]),
            "grad_norm": put(norms(ROWS), slice(300, None), INF),
        },
        [("failure", 300, False)],
    ),
    "one layer": (
        {
            "loss": decay(ROWS),
            "grad/a.weight": norms(ROWS),
            "grad/b.weight": put(norms(ROWS), slice(500, None), NAN),
        },
        [("failure", 500, False)],
    ),
}


@pytest.mark.parametrize(("columns", "found"), FOUND.values(), ids=FOUND)
def test_found(columns: Columns, found: list[tuple[str, int, bool]]) -> None:
    events = list(detect(run_of(columns)))
    assert told(events) == [("nonfinite_gradient", *rest) for rest in found]


def test_the_layer_that_failed_first_is_named() -> None:
    columns = {
        "loss": decay(ROWS),
        "grad/a.weight": put(norms(ROWS), slice(502, None), NAN),
        "grad/b.weight": put(norms(ROWS), slice(500, None), NAN),
    }
    (event,) = detect(run_of(columns))
    assert event.series == "grad/b.weight"


def test_frequent_nan_is_told_once_and_is_no_scaler() -> None:
    columns = {"loss": decay(ROWS), "grad_norm": put(norms(ROWS), slice(5, 700, 20), NAN)}
    assert told(list(detect(run_of(columns)))) == [("nonfinite_gradient", "spike", 5, True)]
