"""What its owner tests: that five steps of training are calm."""

from __future__ import annotations

import os

import pytest
from sensor import readings, train

REPAIRED = os.environ.get("REMEDY") == "1"


@pytest.mark.gradcheck(fail_on="spike")
def test_training_is_calm() -> None:
    train(readings(repaired=REPAIRED))
