"""Gradients that die before anything is learned."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.vanishing_gradient import detect
from tests.synthetic import Columns, decay, norms, put, run_of, steady, told

ROWS = 100
FLAT = steady(ROWS, usual=2.3, noise=0.005)
STARVED = {
    "grad/l1.weight": norms(ROWS, usual=1e-8),
    "grad/l2.weight": norms(ROWS, usual=1e-5),
    "grad/l3.weight": norms(ROWS, usual=1e-1),
}

NONE: dict[str, Columns] = {
    "flat with an ordinary norm": {"loss": FLAT, "grad_norm": norms(ROWS)},
    "flat without a norm": {"loss": FLAT},
    "tiny norm of a loss that falls": {"loss": decay(ROWS), "grad_norm": norms(ROWS) * 1e-9},
    "starved layer of a loss that falls": {"loss": decay(ROWS), **STARVED},
    "even layers": {
        "loss": FLAT,
        "grad/l1.weight": norms(ROWS, usual=0.1),
        "grad/l2.weight": norms(ROWS),
        "grad/l3.weight": norms(ROWS, usual=3.0),
    },
    "a tiny loss and as tiny a norm": {"loss": FLAT * 1e-6, "grad_norm": norms(ROWS) * 1e-6},
    "ten rows": {"loss": FLAT[:10], "grad_norm": norms(10) * 1e-9},
    "NaN": {"loss": put(FLAT, 60, np.nan), "grad_norm": norms(ROWS) * 1e-9},
    "small biases": {
        "loss": FLAT,
        "grad/l1.weight": norms(ROWS),
        "grad/l2.weight": norms(ROWS),
        "grad/l3.weight": norms(ROWS),
        "grad/l1.bias": norms(ROWS, usual=1e-9),
    },
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_a_norm_that_is_next_to_nothing(unit: float) -> None:
    columns = {"loss": FLAT * unit, "grad_norm": norms(ROWS, usual=1e-9) * unit}
    (event,) = detect(run_of(columns))
    assert told([event]) == [("vanishing_gradient", "warning", 0, False)]
    assert event.series == "grad_norm"


def test_a_layer_that_starves_is_named() -> None:
    (event,) = detect(run_of({"loss": FLAT, **STARVED}))
    assert event.series == "grad/l1.weight"


def test_a_norm_that_was_ordinary_until_it_stopped_has_not_vanished_from_the_start() -> None:
    columns = {"loss": FLAT, "grad_norm": put(norms(ROWS), slice(40, None), 0.0)}
    assert list(detect(run_of(columns))) == []


def test_layers_that_get_nothing_while_the_whole_does() -> None:
    layers = {f"grad/{n}.weight": np.zeros(ROWS) for n in (0, 2, 4)}
    events = list(detect(run_of({"loss": FLAT, "grad/total": norms(ROWS), **layers})))
    assert [(e.kind.value, e.series) for e in events] == [("vanishing_gradient", "grad/0.weight")]
