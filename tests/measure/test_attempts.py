"""Attempts: one log, several tries; and resumes, which are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradcheck.measure.attempts import attempts, clock, rewinds
from gradcheck.model import Observation
from gradcheck.model.inside import OTHER_MODEL
from tests.synthetic import Rows, decay, norms, run_of

ONE: dict[str, Rows] = {
    "counting": np.arange(100),
    "one row": np.arange(1),
    "sparse": np.arange(0, 1000, 50),
    "late start": np.arange(5000, 5100),
    "a resume that overlaps": np.concatenate([np.arange(80), np.arange(60, 120)]),
    "the same step twice": np.repeat(np.arange(50), 2),
    "a resume of a sparse log": np.concatenate([np.arange(0, 900, 10), np.arange(500, 1500, 10)]),
}


@pytest.mark.parametrize("steps", ONE.values(), ids=ONE)
def test_a_run_that_never_starts_over_is_one_attempt(steps: Rows) -> None:
    run = run_of({"loss": decay(len(steps))}, steps)
    assert attempts(run) == [run]


@pytest.mark.parametrize(
    ("steps", "lengths"),
    [
        ([*range(50), *range(30)], [50, 30]),
        ([*range(50), *range(1, 30)], [50, 29]),
        ([*range(100, 150), *range(100, 130)], [50, 30]),
        ([*range(0, 500, 10), *range(0, 300, 10)], [50, 30]),
        ([*range(50), *range(30), *range(20)], [50, 30, 20]),
        ([*range(50), *range(40, 60), *range(20)], [70, 20]),
    ],
)
def test_a_step_that_starts_over_is_another_attempt(steps: list[int], lengths: list[int]) -> None:
    run = run_of({"loss": decay(len(steps)), "grad_norm": norms(len(steps))}, np.array(steps))
    parts = attempts(run)
    assert [len(part.series[0]) for part in parts] == lengths
    assert [part.points for part in parts] == [2 * length for length in lengths]
    assert all(part.primary == run.primary for part in parts)


def test_every_point_belongs_to_exactly_one_attempt() -> None:
    steps = np.concatenate([np.arange(40), np.arange(60), np.arange(5)])
    run = run_of({"loss": decay(105), "val_loss": (np.arange(0, 105, 7), decay(15))}, steps)
    parts = attempts(run)
    assert sum(part.points for part in parts) == run.points
    joined = np.concatenate([part.series[0].value for part in parts])
    np.testing.assert_array_equal(joined, run.series[0].value)


def test_a_series_that_an_attempt_lacks_is_left_out() -> None:
    steps = np.concatenate([np.arange(40), np.arange(40)])
    run = run_of({"loss": decay(80), "val_loss": (np.arange(10, 30), decay(20))}, steps)
    first, second = attempts(run)
    assert [s.name for s in first.series] == ["loss", "val_loss"]
    assert [s.name for s in second.series] == ["loss"]


def test_a_rewind_is_told_with_both_of_its_steps() -> None:
    steps = np.concatenate([np.arange(80), np.arange(60, 120)])
    (rewind,) = rewinds(run_of({"loss": decay(140)}, steps))
    assert (rewind.order, rewind.left, rewind.resumed, rewind.restart) == (80, 79, 60, False)


def test_the_loss_is_the_clock_and_without_one_the_longest_series() -> None:
    run = run_of({"lr": norms(50), "loss": decay(20)})
    assert getattr(clock(run), "name", None) == "loss"
    run = run_of({"a": norms(20), "b": norms(50)})
    assert getattr(clock(run), "name", None) == "b"


def test_a_run_without_series_is_one_attempt() -> None:
    run = run_of({})
    assert attempts(run) == [run]


def test_another_model_is_another_attempt() -> None:
    seen = tuple(
        Observation(key, "", step)
        for key, step in ((OTHER_MODEL, 60), ("batch_stands_out", 20), ("clipped_too_early", 0))
    )
    run = replace(run_of({"loss": decay(100), "grad_norm": norms(100)}), observations=seen)
    first, second = attempts(run)
    assert [int(part.series[0].step[0]) for part in (first, second)] == [0, 60]
    assert [one.key for one in first.observations] == ["batch_stands_out", "clipped_too_early"]
    assert [one.key for one in second.observations] == [OTHER_MODEL, "clipped_too_early"]


def test_another_model_that_no_point_is_of() -> None:
    run = replace(run_of({"loss": decay(50)}), observations=(Observation(OTHER_MODEL, "", 60),))
    assert [len(part.series[0]) for part in attempts(run) if part.series] == [50]
