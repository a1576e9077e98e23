"""A loss that creeps up is told only beside a rate that goes on rising, or a gradient that grew."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.slow_worsening import detect
from gradcheck.model import Severity
from tests.synthetic import Column, Columns, decay, norms, put, run_of

ROWS = 240
WORSE = np.append(np.geomspace(4.0, 2.0, 60), np.linspace(2.0, 2.8, 180)) * norms(
    ROWS, usual=1.0, noise=0.05
)
RISING: Column = np.linspace(1e-5, 5e-2, ROWS)
WARM: Column = np.minimum(RISING, RISING[40])
GREW = norms(ROWS, usual=1.0, noise=0.05) * np.minimum(1.0 + np.arange(ROWS) / 10, 6.0)

NEAR_MISSES: dict[str, Columns] = {
    "alone": {"loss": WORSE},
    "a constant rate": {"loss": WORSE, "lr": np.full(ROWS, 1e-3)},
    "a rate that warmed up before": {"loss": WORSE, "lr": WARM},
    "a rate that came down": {"loss": WORSE, "lr": RISING[::-1]},
    "a loss that falls": {"loss": decay(ROWS), "lr": RISING},
    "a steady gradient": {"loss": WORSE, "grad_norm": norms(ROWS)},
    "a gradient that came down again": {"loss": WORSE, "grad_norm": GREW[::-1]},
    "of a policy": {"policy_loss": WORSE, "reward": RISING, "lr": RISING},
    "another task": {"loss": WORSE, "lr": RISING, "seq_len": np.repeat([8.0, 16.0], [60, 180])},
    "not finite": {"loss": put(WORSE, 100, np.nan), "lr": RISING},
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_nothing_is_told(name: str) -> None:
    assert list(detect(run_of(NEAR_MISSES[name]))) == []


def test_a_rate_that_goes_on_rising_is_a_failure() -> None:
    (event,) = detect(run_of({"loss": WORSE, "lr": RISING}))
    assert event.severity is Severity.FAILURE
    assert event.step is not None
    assert 40 <= event.step <= 130


def test_a_gradient_that_grew_for_good_is_a_warning() -> None:
    (event,) = detect(run_of({"loss": WORSE, "grad_norm": GREW}))
    assert event.severity is Severity.WARNING


def test_what_is_a_divergence_already_is_told_once() -> None:
    gone = np.append(np.geomspace(4.0, 2.0, 60), np.geomspace(2.0, 90.0, 180))
    assert list(detect(run_of({"loss": gone, "lr": RISING}))) == []
