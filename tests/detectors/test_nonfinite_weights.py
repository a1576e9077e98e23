"""A weight norm that is NaN or infinite."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.nonfinite_weights import detect
from tests.synthetic import Columns, decay, norms, put, run_of, told

NAN = np.nan
NONE: dict[str, Columns] = {
    "finite": {"loss": decay(100), "weight_norm": norms(100)},
    "none logged": {"loss": put(decay(100), slice(60, None), NAN)},
    "huge": {"weight_norm": norms(100) * 1e30},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (slice(60, None), ("failure", 60, False)),
        (slice(0, None), ("failure", 0, False)),
        (slice(99, None), ("failure", 99, False)),
        (slice(60, 64), ("spike", 60, True)),
    ],
)
@pytest.mark.parametrize("value", [NAN, np.inf])
def test_found(rows: slice, found: tuple[str, int, bool], value: float) -> None:
    columns = {"loss": decay(100), "weight_norm": put(norms(100), rows, value)}
    assert told(list(detect(run_of(columns)))) == [("nonfinite_weights", *found)]
