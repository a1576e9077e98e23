"""A loss that was worse than at the start for long, or swings up to it, is a warning."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.beyond_start import detect
from gradcheck.model import Severity
from tests.synthetic import Column, Columns, decay, put, run_of, scale, steady

ROWS = np.arange(240)


def humped(height: float, end: float = 0.9, noise: float = 0.04) -> Column:
    """From 1 up to `height` in mid-run, and down to `end`."""
    course = np.interp(ROWS, [0, 20, 90, 130, 200, 239], [1, 1, height, height, end, end])
    return course * np.exp(noise * np.random.default_rng(3).standard_normal(len(ROWS)))


def swinging(low: float, high: float = 1.0, period: int = 60) -> Column:
    phase = np.cos(2 * np.pi * ROWS / period)
    return np.asarray(low + (high - low) * (1 + phase) / 2, dtype=np.float64)


WARMING = np.asarray(2.0 * (1 - 0.97**ROWS) + 1.8, dtype=np.float64)
DYING: Column = swinging(0.05) * np.exp(-ROWS / 60)
SAWTOOTH: Column = np.tile(np.geomspace(1.0, 0.1, 40), 6)
"""Each time from one row to the next: another task, and it is learned as well."""

NEAR_MISSES: dict[str, Columns] = {
    "falls": {"loss": decay(240)},
    "up by a half": {"loss": humped(1.5)},
    "up for a few rows": {"loss": scale(decay(240), slice(60, 75), 6.0)},
    "up for good": {"loss": humped(5.0, end=5.0)},
    "another scale from some row on": {"loss": humped(5.0, end=3.0)},
    "a mean that is warming up": {"loss": WARMING},
    "noise": {"loss": humped(2.2, noise=0.9)},
    "of a policy": {"policy_loss": humped(5.0), "reward": ROWS.astype(np.float64)},
    "of a game": {"loss_d": humped(5.0), "loss_g": humped(4.0)},
    "negative": {"loss": humped(5.0) - 3.0},
    "a NaN": {"loss": put(humped(5.0), 100, np.nan)},
    "short": {"loss": humped(5.0)[:40]},
    "small swings": {"loss": swinging(0.4)},
    "one swing": {"loss": swinging(0.05, period=200)},
    "swings that die down": {"loss": DYING},
    "task after task": {"loss": SAWTOOTH},
    "level": {"loss": steady(240)},
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses(name: str) -> None:
    assert not list(detect(run_of(NEAR_MISSES[name])))


@pytest.mark.parametrize("unit", [1e-4, 1.0, 700.0])
def test_worse_than_untrained_for_long(unit: float) -> None:
    (event,) = detect(run_of({"loss": unit * humped(5.0)}))
    assert event.severity is Severity.WARNING
    assert event.recovered
    assert event.step is not None
    assert 20 < event.step < 90


@pytest.mark.parametrize("unit", [1e-4, 1.0, 700.0])
def test_swings_back_up_to_its_start(unit: float) -> None:
    (event,) = detect(run_of({"train/total_loss": unit * swinging(0.05)}))
    assert event.severity is Severity.WARNING
    assert not event.recovered
    assert event.step is not None
    assert 10 < event.step < 30
