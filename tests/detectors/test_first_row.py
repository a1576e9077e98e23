"""A first loss out of all proportion."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.first_row import detect
from tests.synthetic import Columns, decay, norms, put, run_of, told

ROWS = 100
HUGE = decay(ROWS, start=5e5, end=3e3)

NONE: dict[str, Columns] = {
    "ordinary": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    "no loss": {"grad_norm": norms(ROWS) * 1e6},
    "large units (a sum over pixels)": {"loss": HUGE, "grad_norm": norms(ROWS, usual=40.0)},
    "large units without a norm": {"loss": HUGE},
    "ordinary beside a huge norm": {"loss": decay(ROWS), "grad_norm": norms(ROWS, usual=1e6)},
    "prices, squared": {"loss": HUGE, "grad_norm": norms(ROWS, usual=8e5)},
    "a sum over the batch": {"loss": HUGE, "grad_norm": decay(ROWS, start=1e6, end=9e4)},
    "NaN": {"loss": put(decay(ROWS), slice(0, None), np.nan)},
    "negative": {"loss": -HUGE, "grad_norm": norms(ROWS, usual=40.0)},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


def test_not_of_a_log_that_begins_late() -> None:
    columns = {"loss": HUGE, "grad_norm": decay(ROWS, start=1e6, end=50.0)}
    assert list(detect(run_of(columns, np.arange(ROWS) + 5000))) == []


def test_not_of_epochs() -> None:
    columns = {"loss": HUGE, "grad_norm": decay(ROWS, start=1e6, end=50.0)}
    assert list(detect(run_of(columns, unit="epoch"))) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"loss": HUGE, "grad_norm": decay(ROWS, start=1e6, end=50.0)},
        {"loss": put(HUGE, slice(2, None), np.nan)},
        {"loss": put(HUGE, slice(1, None), np.inf), "grad_norm": norms(ROWS, usual=5e4)},
    ],
    ids=["huge norm at first", "NaN soon", "infinite at once"],
)
def test_found(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == [("loss_spike", "warning", 0, False)]
