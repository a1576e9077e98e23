"""Which points a plot shows: the right rows, and no extreme lost."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradcheck.model import Role
from gradcheck.reports.plot_points import AFTER, BEFORE, nonfinite_steps, thin, window
from tests.reports.conftest import BAD, exploding, nan_input, run, series


def test_thinning_keeps_extremes_and_finite_points_only() -> None:
    values = np.random.default_rng(0).normal(size=100_000)
    values[[3, 70_001]] = 50.0, -50.0
    values[::7] = np.nan
    steps, kept = thin(series("loss", values, Role.LOSS), 70)
    assert len(steps) <= 140
    assert (kept.max(), kept.min()) == (50.0, -50.0)
    assert np.all(np.diff(steps) > 0)


def test_short_series_are_not_thinned() -> None:
    steps, kept = thin(series("loss", np.array([1.0, np.nan, 3.0]), Role.LOSS), 70)
    assert steps.tolist() == [0, 2]
    assert kept.tolist() == [1.0, 3.0]


def test_every_lost_stretch_keeps_a_mark() -> None:
    values = np.ones(10_000)
    values[[5, 9_999]] = np.nan
    values[4_000:6_000] = np.inf
    lost = nonfinite_steps(series("loss", values, Role.LOSS), 100)
    assert {5, 9_999} <= set(lost.tolist())
    assert 15 <= len(lost) <= 30


def test_a_sudden_failure_is_shown_close_up() -> None:
    report = nan_input()
    assert window(report, report.run.series) == (BAD - BEFORE, BAD + AFTER)


def test_growth_that_began_long_before_shows_the_whole_run() -> None:
    growth = np.exp(np.arange(400) * 0.02)
    columns = (series("grad_norm", growth, Role.GRAD_NORM),)
    report = dataclasses.replace(nan_input(), run=run("r", *columns))
    assert window(report, columns) is None


def test_the_window_reaches_to_the_last_failure() -> None:
    report = exploding()
    assert window(report, report.run.series) == (165 - BEFORE, 399)


def test_a_rewound_step_is_found_by_its_place_in_the_log() -> None:
    report = nan_input()
    steps = np.concatenate([np.arange(300), np.arange(200, 300)])
    loss = dataclasses.replace(report.run.series[0], step=steps)
    event = dataclasses.replace(report.events[0], step=250, order=350)
    report = dataclasses.replace(report, events=(event,), first_bad_step=250)
    assert window(report, (loss,)) == (350 - BEFORE, 350 + AFTER)
