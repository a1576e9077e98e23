"""The map of per-layer norms: nothing large or lost disappears in a cell."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradcheck.model import Role, Run, Series
from gradcheck.reports.heat_map import MOST_LAYERS, heat_map
from tests.reports.conftest import run


def layer(name: str, *values: float, every: int = 1) -> Series:
    rows = np.arange(len(values))
    return Series(name, rows, rows * every, np.array(values), role=Role.LAYER_GRAD_NORM)


def test_a_cell_shows_the_largest_norm_of_its_steps() -> None:
    found = heat_map(run("r", layer("a", 1, 9, 2, 3), layer("b", 1, 1, np.nan, 4)), 4)
    assert found is not None
    np.testing.assert_array_equal(found.norms, [[9, 3], [1, np.nan]])


def test_steps_that_are_logged_rarely_leave_no_holes() -> None:
    found = heat_map(run("r", *(layer(n, *range(1, 51), every=10) for n in "ab")), 10_000)
    assert found is not None
    assert found.norms.shape == (2, 50)
    assert np.isfinite(found.norms).all()


def test_no_map_of_one_layer() -> None:
    assert heat_map(run("r", layer("a", 1, 2)), 100) is None


def test_layers_that_differ_by_a_number_are_in_its_order() -> None:
    names = ["norm/10.weight", "norm/2.weight", "norm/0.weight"]
    found = heat_map(run("r", *(layer(name, 1, 2) for name in names)), 100)
    assert found is not None
    assert found.layers == ("0.weight", "2.weight", "10.weight")


def test_other_layers_keep_the_order_of_the_log() -> None:
    names = ["norm/embed", "norm/layers.0", "norm/head"]
    found = heat_map(run("r", *(layer(name, 1, 2) for name in names)), 100)
    assert found is not None
    assert found.layers == ("embed", "layers.0", "head")


def test_layers_beyond_the_room_are_counted() -> None:
    found = heat_map(run("r", *(layer(f"l{n}", 1, 2) for n in range(MOST_LAYERS + 3))), 100)
    assert found is not None
    assert (len(found.layers), found.left_out) == (MOST_LAYERS, 3)


def test_steps_at_the_ends_of_what_an_integer_holds() -> None:
    ends = np.array([-(2**63), 2**63 - 1])
    logged: Run = run("r", *(dataclasses.replace(layer(n, 1, 2), step=ends) for n in "ab"))
    found = heat_map(logged, 100)
    assert found is not None
    np.testing.assert_array_equal(found.norms, [[1, 2], [1, 2]])
