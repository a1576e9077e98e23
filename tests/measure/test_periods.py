"""Periods: events that return at a fixed distance."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.measure.periods import common_period


@pytest.mark.parametrize(
    "steps",
    [[], [40], [100, 230, 290], [131, 190, 318, 377, 520], [10, 12, 14, 16], [100, 200, 200]],
    ids=["none", "one", "three", "five", "too close", "twice in one step"],
)
def test_no_period(steps: list[int]) -> None:
    assert common_period(np.array(steps, dtype=np.int64), 1) is None


@pytest.mark.parametrize(
    ("steps", "cadence", "period"),
    [
        ([100, 200, 300], 1, 100),
        ([37, 137, 237, 437, 537], 1, 100),
        ([1000, 2010, 3010, 4020, 5020], 10, 1000),
    ],
    ids=["three", "one missed", "every tenth step"],
)
def test_a_period(steps: list[int], cadence: int, period: int) -> None:
    found = common_period(np.array(steps, dtype=np.int64), cadence)
    assert found is not None and abs(found - period) <= cadence
