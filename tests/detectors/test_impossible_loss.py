"""Tests of the detector for losses that are negative against their name."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.impossible_loss import detect
from tests.synthetic import Column, decay, run_of, told

ROWS = 400
FALLING = np.linspace(0.7, -3000.0, ROWS)
FIRST = int(np.argmax(FALLING < 0))

NONE: dict[str, dict[str, Column]] = {
    "a likelihood may be negative": {"nll": FALLING},
    "a plain loss may be negative": {"loss": FALLING},
    "dice may be negative": {"train/dice_loss": FALLING},
    "positive": {"bce_loss": decay(ROWS)},
    "two rows of rounding": {"mse": np.concatenate([decay(ROWS), [-1e-9, -1e-9]])},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: dict[str, Column]) -> None:
    assert list(detect(run_of(columns))) == []


@pytest.mark.parametrize("name", ["bce_loss", "train/BCELoss", "mse", "cross_entropy_loss"])
def test_found(name: str) -> None:
    assert told(list(detect(run_of({name: FALLING})))) == [("divergence", "failure", FIRST, False)]
