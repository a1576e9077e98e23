"""A NaN that the logger wrote as 0."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.masked_nonfinite import detect
from tests.synthetic import Column, Columns, decay, norms, put, run_of, told

ROWS = 300
HINGE = np.maximum(decay(ROWS, start=1.5, end=-0.4), 0.0)

NONE: dict[str, Columns] = {
    "no zeros": {"loss": decay(ROWS)},
    "one zero": {"loss": put(decay(ROWS), 200, 0.0)},
    "two zeros at the end": {"loss": put(decay(ROWS), slice(298, None), 0.0)},
    "zeros that end": {"loss": put(decay(ROWS), slice(200, 250), 0.0)},
    "a hinge that honestly gets there": {"loss": HINGE},
    "zero from the first row": {"loss": np.zeros(ROWS)},
    "a decade per row down to zero": {
        "loss": np.concatenate([decay(200), 0.5 * 0.1 ** np.arange(1.0, 12.0), np.zeros(80)])
    },
    "a negative loss that ends at zero": {"loss": put(decay(ROWS) - 5, slice(200, None), 0.0)},
    "a few rows that were small": {"loss": put(np.zeros(40), slice(0, 2), 0.02)},
    "a few high rows and many that are not 0": {"loss": put(np.zeros(6), slice(0, 3), 2.0)},
    "a margin that is kept": {"triplet_loss": put(np.zeros(40), 0, 1.0)},
    "a score that is perfect": {
        "loss": put(np.zeros(40), 0, 1.0),
        "accuracy": put(np.ones(40), 0, 0.6),
    },
    "a high value that is no leap, and one zero": {"loss": put(put(decay(30), 28, 3.0), 29, 0.0)},
    "a norm that is finite beside an honest zero": {"loss": HINGE, "grad_norm": norms(ROWS)},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(("rows", "at"), [(20, 12), (ROWS, 180), (5000, 4990)])
def test_a_cliff_to_zero(rows: int, at: int, unit: float) -> None:
    loss: Column = put(decay(rows), slice(at, None), 0.0) * unit
    assert told(list(detect(run_of({"loss": loss})))) == [
        ("masked_nonfinite", "failure", at, False)
    ]


def test_few_rows_before_many_zeros() -> None:
    loss: Column = put(np.zeros(38), 0, 122.0)
    (event,) = detect(run_of({"loss": loss}))
    assert told([event]) == [("masked_nonfinite", "failure", 1, False)]


def test_one_zero_after_a_leap() -> None:
    loss: Column = put(put(decay(30), 28, 3e4), 29, 0.0)
    (event,) = detect(run_of({"loss": loss}))
    assert told([event]) == [("masked_nonfinite", "failure", 29, False)]


def test_zeros_beside_a_norm_that_is_nan() -> None:
    columns = {
        "loss": put(HINGE, slice(150, None), 0.0),
        "grad_norm": put(norms(ROWS), slice(150, None), np.nan),
    }
    (event,) = detect(run_of(columns))
    assert event.severity.value == "failure"
