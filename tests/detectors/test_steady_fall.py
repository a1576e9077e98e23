"""A negative loss that goes on falling at the pace of its rate is a warning."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.steady_fall import detect
from gradcheck.model import Severity
from tests.synthetic import Column, Columns, constant, norms, put, run_of

ROWS = np.arange(1.0, 161.0)
NOISE = np.random.default_rng(5).standard_normal(160)
COSINE = 1e-3 * (1 + np.cos(np.pi * ROWS / 161)) / 2
LINE = -0.5 * ROWS + 0.2 * NOISE


def likelihood(start: float, end: float, part: float = 0.2) -> Column:
    """Of a density that fits: most of the fall within a part of the run."""
    return end + (start - end) * np.exp(-ROWS / (part * 160)) + 0.05 * NOISE


NEAR_MISSES: dict[str, Columns] = {
    "a likelihood": {"loss": likelihood(1.5, -4.0)},
    "a likelihood that began near 0": {"nll": likelihood(0.01, -4.0)},
    "a likelihood of an image": {"loss": likelihood(-20.0, -4000.0)},
    "a likelihood under a rate that ends": {"nll": likelihood(0.01, -4.0), "lr": COSINE},
    "a rate that ends too early": {"loss": -50 * (1 - np.exp(-ROWS / 20)), "lr": constant(160)},
    "not far": {"loss": LINE - 40.0},
    "positive": {"loss": LINE + 200.0},
    "within its noise": {"loss": LINE + 30 * NOISE},
    "of a policy": {"policy_loss": LINE, "reward": ROWS},
    "of a critic": {"loss_d": LINE, "loss_g": -LINE},
    "comes up again": {"loss": put(LINE, slice(100, 130), -10.0)},
    "short": {"loss": LINE[:20]},
    "a NaN": {"loss": put(LINE, 80, np.nan)},
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_near_misses(name: str) -> None:
    assert not list(detect(run_of(NEAR_MISSES[name])))


COURSES: dict[str, Columns] = {
    "in equal steps": {"loss": LINE},
    "in millions": {"train_loss": 1e6 * LINE, "grad_norm": norms(160)},
    "as far as the rate takes it": {"loss": -3e4 * np.cumsum(COSINE) + 0.02 * NOISE, "lr": COSINE},
}


@pytest.mark.parametrize("name", COURSES)
def test_no_floor_in_sight(name: str) -> None:
    (event,) = detect(run_of(COURSES[name]))
    assert event.severity is Severity.WARNING
    assert event.step is not None
    assert event.step < 10
