"""Tests of the detector for running statistics that were seen to be broken."""

from __future__ import annotations

import dataclasses

from gradcheck.detectors.nonfinite_buffers import OBSERVED, detect
from gradcheck.model import Observation, Run
from tests.synthetic import decay, run_of, told

ROWS = 200


def watched(key: str, step: int | None = 40) -> Run:
    run = run_of({"loss": decay(ROWS)})
    return dataclasses.replace(run, observations=(Observation(key, "it is not finite", step),))


def test_none_without_the_observation() -> None:
    assert list(detect(run_of({"loss": decay(ROWS)}))) == []
    assert list(detect(watched("input_nonfinite"))) == []


def test_none_without_its_step() -> None:
    assert list(detect(watched(OBSERVED, None))) == []


def test_found_at_its_step() -> None:
    assert told(list(detect(watched(OBSERVED)))) == [("nonfinite_weights", "failure", 40, False)]
