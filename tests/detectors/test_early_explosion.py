"""A run that explodes within its first rows has left its level before it is NaN."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.early_explosion import detect
from gradcheck.model import Severity
from tests.synthetic import decay, run_of

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    "loss",
    [
        [0.7, NAN, NAN, NAN],
        [0.7, 0.6, 0.65, NAN, NAN],
        [NAN] * 5,
        [0.7, 40.0, 0.7, 0.6],
        [0.7, 40.0, NAN, 0.7, 0.6, 0.6],
        [0.0, 0.0, NAN],
    ],
)
def test_near_misses(loss: list[float]) -> None:
    assert not list(detect(run_of({"loss": np.array(loss)})))


def test_a_long_run_is_judged_by_its_level() -> None:
    assert not list(detect(run_of({"loss": np.append(decay(100), [50.0, NAN])})))


@pytest.mark.parametrize(
    ("loss", "step"),
    [
        ([0.7, 6.0, NAN], 1),
        ([0.6, 72.0, 4.7e9, 1.4e34, NAN, NAN], 1),
        ([2.9, 2.7, 14.0, 2202.0, INF, NAN], 2),
        ([-0.5, -0.9, -40.0, -1e9, NAN], 2),
    ],
)
def test_an_explosion_begins_where_the_first_size_is_left(loss: list[float], step: int) -> None:
    (event,) = detect(run_of({"loss": np.array(loss)}))
    assert event.severity is Severity.FAILURE
    assert event.step == step


def test_the_gradient_norm_tells_where_the_loss_does_not() -> None:
    norm = np.array([0.4, 900.0, 1e9, NAN, NAN])
    (event,) = detect(run_of({"loss": np.array([0.7, 0.8, 0.9, NAN, NAN]), "grad_norm": norm}))
    assert (event.series, event.step) == ("grad_norm", 1)
