"""Tests of what the name of a loss promises."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.measure.losses import impossible_rows, is_ctc
from gradcheck.model import Series


def named(name: str, values: list[float]) -> Series:
    rows = np.arange(len(values))
    return Series(name, rows, rows, np.array(values))


@pytest.mark.parametrize("name", ["nll", "loss", "dice_loss", "policy_loss", "elbo"])
def test_losses_that_may_be_negative(name: str) -> None:
    assert len(impossible_rows(named(name, [-1.0] * 5))) == 0


@pytest.mark.parametrize("name", ["bce_loss", "train/bce", "CrossEntropy", "val-mse", "l1_loss"])
def test_losses_that_may_not(name: str) -> None:
    assert impossible_rows(named(name, [1.0, -1.0, -1.0, np.nan, -2.0])).tolist() == [1, 2, 4]


def test_few_rows_are_rounding() -> None:
    assert len(impossible_rows(named("mse", [1.0, -1e-9, -1e-9]))) == 0


def test_ctc_by_name() -> None:
    assert is_ctc(named("train/ctc_loss", [1.0]))
    assert not is_ctc(named("train/octc", [1.0]))
