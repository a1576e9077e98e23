"""A loss scale that is halved again and again."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.loss_scale_collapse import detect
from tests.synthetic import Column, Columns, constant, decay, geometric, run_of, told

ROWS = 300


def falling(at: int, halvings: int, then: float | None = None) -> Column:
    """A scale of 2^16 that is halved in consecutive rows from `at` on."""
    scale = np.full(ROWS, 65536.0)
    for number in range(halvings):
        scale[at + number :] /= 2
    if then is not None:
        scale[at + halvings + 20 :] = then
    return scale


def overflows(exponent: int) -> Column:
    """A power of 2, halved 16 times."""
    return np.geomspace(2.0**exponent, 2.0 ** (exponent - 16), 17)


def breathing() -> Column:
    """A scale that is halved now and then and doubled in between."""
    return np.where(np.arange(ROWS) % 40 < 20, 65536.0, 32768.0)


NONE: dict[str, Columns] = {
    "no scale": {"loss": decay(ROWS)},
    "constant": {"loss": decay(ROWS), "loss_scale": constant(ROWS, 65536.0)},
    "constantly one": {"loss": decay(ROWS), "loss_scale": constant(ROWS, 1.0)},
    "one skip": {"loss": decay(ROWS), "loss_scale": falling(100, 1)},
    "four skips at once": {"loss": decay(ROWS), "loss_scale": falling(100, 4)},
    "skips with growth between them": {"loss": decay(ROWS), "loss_scale": breathing()},
    "the search of the first rows": {"loss": decay(ROWS), "loss_scale": falling(1, 12)},
    "growing": {"loss": decay(ROWS), "loss_scale": np.repeat(geometric(2.0, ROWS // 20), 20)},
    "ten skips far apart": {
        "loss": decay(ROWS),
        "loss_scale": 65536 / 2.0 ** (np.arange(ROWS) // 30),
    },
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


def test_overflows_of_a_search_are_all_that_is_told() -> None:
    """A log that has a line for each overflow and none for the steps between them."""
    columns: Columns = {
        "loss": decay(40),
        "loss_scale": (np.arange(1, 18), overflows(31)),
    }
    assert told(list(detect(run_of(columns)))) == []


def test_overflows_that_leave_nothing_of_the_scale() -> None:
    columns: Columns = {
        "loss": decay(40),
        "loss_scale": (np.arange(1, 18), overflows(16)),
    }
    assert len(list(detect(run_of(columns)))) == 1


@pytest.mark.parametrize(
    ("scale", "found"), [([2e-5, 1e-5], 1), ([2e-5, 2e-5], 0), ([2.0, 1.0], 0)]
)
def test_a_scale_that_was_gone_when_the_log_begins(scale: list[float], found: int) -> None:
    columns: Columns = {"loss": decay(40), "loss_scale": (np.array([5, 9]), np.array(scale))}
    assert len(list(detect(run_of(columns)))) == found


FOUND: dict[str, tuple[Column, tuple[str, int, bool]]] = {
    "to nothing": (falling(100, 60), ("failure", 100, False)),
    "to zero": (np.where(np.arange(ROWS) < 100, falling(90, 10), 0.0), ("failure", 90, False)),
    "to the end of the log": (falling(ROWS - 12, 12), ("failure", ROWS - 12, False)),
    "shaken off": (falling(100, 10, then=65536.0), ("warning", 100, True)),
}


@pytest.mark.parametrize(("scale", "found"), FOUND.values(), ids=FOUND)
def test_found(scale: Column, found: tuple[str, int, bool]) -> None:
    events = list(detect(run_of({"loss": decay(ROWS), "loss_scale": scale})))
    assert told(events) == [("loss_scale_collapse", *found)]
