"""Units that a burst has switched off."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.dead_units import detect
from tests.synthetic import Columns, constant, decay, norms, put, run_of, steady, told

ROWS = 200
DEAD = put(norms(ROWS), slice(80, None), 0.0)
STUCK = np.concatenate([decay(80, end=2.0), steady(120, usual=2.3, noise=0.01)])

NONE: dict[str, Columns] = {
    "alive": {"loss": decay(ROWS), "grad_norm": norms(ROWS)},
    "no norm": {"loss": STUCK},
    "no loss": {"grad_norm": DEAD},
    "zero for a while": {"loss": STUCK, "grad_norm": put(norms(ROWS), slice(80, 120), 0.0)},
    "zero for the last rows": {"loss": STUCK, "grad_norm": put(norms(ROWS), slice(180, 200), 0.0)},
    "zero from the first row": {"loss": STUCK, "grad_norm": constant(ROWS, 0.0)},
    "a loss that is zero too": {"loss": put(decay(ROWS), slice(80, None), 0.0), "grad_norm": DEAD},
    "a loss that went on falling": {"loss": decay(ROWS, start=10.0), "grad_norm": DEAD},
    "tiny but not zero": {"loss": STUCK, "grad_norm": put(norms(ROWS), slice(80, None), 1e-9)},
    "generator": {"G_loss": STUCK, "D_loss": STUCK, "grad_norm": DEAD},
    "NaN": {"loss": put(STUCK, slice(80, None), np.nan), "grad_norm": DEAD},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_found(unit: float) -> None:
    events = list(detect(run_of({"loss": STUCK * unit, "grad_norm": DEAD * unit})))
    assert told(events) == [("dead_units", "warning", 80, False)]
