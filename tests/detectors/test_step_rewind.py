"""A step that goes back."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.step_rewind import detect
from tests.synthetic import Rows, decay, run_of


@pytest.mark.parametrize(
    "steps",
    [
        np.arange(200),
        np.arange(0, 20_000, 100),
        np.repeat(np.arange(100), 2),
        np.concatenate([np.arange(100), np.arange(100)]),
        np.concatenate([np.arange(100), np.arange(150, 250)]),
        np.arange(1),
    ],
    ids=["counting", "sparse", "twice each", "starts over", "a gap", "one row"],
)
def test_none(steps: Rows) -> None:
    assert list(detect(run_of({"loss": decay(len(steps))}, steps))) == []


def test_a_resume_is_told_with_the_rows_written_twice() -> None:
    steps = np.concatenate([np.arange(100), np.arange(80, 150), np.arange(140, 200)])
    events = list(detect(run_of({"loss": decay(len(steps))}, steps)))
    assert [(e.step, e.last_step, e.severity.value, e.recovered) for e in events] == [
        (80, 99, "warning", True),
        (140, 149, "warning", True),
    ]


def test_a_log_without_series() -> None:
    assert list(detect(run_of({}))) == []
