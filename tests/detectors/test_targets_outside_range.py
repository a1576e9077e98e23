"""Tests of the detector for losses that lost their floor with their targets."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradcheck.detectors.targets_outside_range import OBSERVED, detect
from gradcheck.model import Observation, Run
from tests.synthetic import decay, run_of, told

ROWS = 200
FALLING = np.linspace(20.0, -200.0, ROWS)
FIRST = int(np.argmax(FALLING < 0))


def watched(run: Run, key: str = OBSERVED) -> Run:
    seen = Observation(key, "the targets reach from 0 to 255", 0)
    return dataclasses.replace(run, observations=(seen,))


def test_a_falling_loss_alone_is_none() -> None:
    assert list(detect(run_of({"loss": FALLING}))) == []


def test_another_observation_is_none() -> None:
    assert list(detect(watched(run_of({"loss": FALLING}), "input_nonfinite"))) == []


def test_a_loss_that_keeps_its_floor_is_none() -> None:
    assert list(detect(watched(run_of({"loss": decay(ROWS)})))) == []


def test_found_where_it_falls_below_its_floor() -> None:
    events = told(list(detect(watched(run_of({"loss": FALLING})))))
    assert events == [("divergence", "failure", FIRST, False)]
