"""Climbs: rises that a series ends with."""

from __future__ import annotations

import time

import numpy as np
import pytest

from gradcheck.measure.climbs import climb
from tests.synthetic import Column, decay, grow, norms, scale

QUIET: dict[str, Column] = {
    "nothing": np.zeros(0),
    "four rows": np.array([1.0, 2.0, 3.0, 4.0]),
    "falling": decay(300),
    "twenty rows": decay(20),
    "constant": np.ones(200),
    "zeros": np.zeros(200),
    "noise only": norms(500, noise=0.3),
    "negative": decay(300) - 3.0,
    "crosses zero": decay(300) - 1.0,
    "a spike that came back": scale(decay(400), slice(200, 205), 50.0),
    "a spike in the last row": scale(decay(400), 399, 50.0),
    "a hump at the start": decay(400) * (1 + 2 * np.exp(-(((np.arange(400) - 40) / 20) ** 2))),
    "back up by a tenth of what was won": decay(400) + np.linspace(0.0, 0.2, 400),
    "a little overfit": np.concatenate([decay(300), np.linspace(0.5, 0.6, 200)]),
}


@pytest.mark.parametrize("values", QUIET.values(), ids=QUIET)
def test_what_ends_near_its_best_has_not_climbed(values: Column) -> None:
    assert climb(values, into_nonfinite=False) is None


RISEN: dict[str, tuple[Column, int]] = {
    "exponential": (grow(decay(300), 250, 1.3), 250),
    "short": (grow(decay(24, noise=0.02), 16, 1.8), 16),
    "a new level": (scale(decay(400), slice(300, None), 10.0), 300),
    "tiny unit": (scale(decay(400), slice(300, None), 10.0) * 1e-6, 300),
    "huge unit": (scale(decay(400), slice(300, None), 10.0) * 1e6, 300),
    "negative": (np.concatenate([decay(300) - 3.0, np.linspace(-2.5, 8.0, 100)]), 300),
    "from the start": (1.4 ** np.arange(30.0), 1),
    "at once, then a plateau": (np.concatenate([[1.0, 80.0, 60.0], norms(60, usual=20.0)]), 1),
}


@pytest.mark.parametrize(("values", "row"), RISEN.values(), ids=RISEN)
def test_a_rise_to_the_end_begins_where_the_best_level_was_left(values: Column, row: int) -> None:
    found = climb(values, into_nonfinite=False)
    assert found is not None
    assert abs(found.first - row) <= max(2, len(values) // 40)
    assert found.end > found.best
    assert found.ratio > 1.5


def test_a_rise_into_nan_needs_fewer_rows() -> None:
    values = np.concatenate([decay(200, noise=0.02), [1.2, 3.0, 9.0]])
    assert climb(values, into_nonfinite=False) is None
    found = climb(values, into_nonfinite=True)
    assert found is not None
    assert abs(found.first - 200) <= 1


def test_a_calm_run_into_nan_has_not_climbed() -> None:
    assert climb(decay(200), into_nonfinite=True) is None


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("rows", [20, 200, 2000])
def test_the_unit_does_not_matter(rows: int, factor: float) -> None:
    values = grow(decay(rows), rows - max(8, rows // 50), 2.0)
    one = climb(values, into_nonfinite=False)
    other = climb(values * factor, into_nonfinite=False)
    assert one is not None
    assert other is not None
    assert one.first == other.first
    assert other.ratio == pytest.approx(one.ratio, rel=1e-6)


def test_values_near_the_largest_float_do_not_overflow() -> None:
    found = climb(np.concatenate([decay(100), np.geomspace(1.0, 1e300, 60)]), into_nonfinite=False)
    assert found is not None
    assert np.isfinite(found.first)


def test_a_hundred_thousand_rows_take_no_time() -> None:
    values = grow(norms(100_000), 99_900, 1.1)
    began = time.process_time()
    assert climb(values, into_nonfinite=False) is not None
    assert time.process_time() - began < 2.0


def test_a_running_mean_that_starts_from_zero_has_not_climbed() -> None:
    raw = decay(400, start=1.3, end=0.8)
    mean, course = 0.0, []
    for value in raw:
        mean = 0.97 * mean + 0.03 * value
        course.append(mean)
    assert climb(np.array(course), into_nonfinite=False) is None


def running_mean(values: Column, decay_rate: float) -> Column:
    """A mean that starts from 0 and is never corrected for it."""
    weights = (1 - decay_rate) * decay_rate ** np.arange(len(values))
    return np.convolve(values, weights)[: len(values)]


@pytest.mark.parametrize("rate", [0.9, 0.95, 0.98])
@pytest.mark.parametrize("noise", [0.0, 0.1, 0.25])
def test_the_warm_in_of_a_running_mean_is_no_climb(rate: float, noise: float) -> None:
    raw = 2.3 * norms(300, noise=noise) / np.median(norms(300, noise=noise))
    assert climb(running_mean(raw, rate), into_nonfinite=False, from_start=True) is None


@pytest.mark.parametrize("rate", [0.9, 0.95])
def test_an_explosion_behind_a_running_mean_is_still_one(rate: float) -> None:
    raw = grow(decay(300) * norms(300, noise=0.1), 240, 1.2)
    assert climb(running_mean(raw, rate), into_nonfinite=False, from_start=True) is not None


@pytest.mark.parametrize("rate", [1.02, 1.05, 1.2])
def test_growth_from_the_first_row_is_not_taken_for_a_warm_in(rate: float) -> None:
    found = climb(2.3 * rate ** np.arange(120.0), into_nonfinite=False, from_start=True)
    assert found is not None and found.best == pytest.approx(2.3)


def test_a_run_that_never_came_back_to_its_first_row_blew_up_whatever_its_noise() -> None:
    """Batches whose losses differ by factors, at weights that the first updates threw away."""
    rng = np.random.default_rng(0)
    high = 300.0 * np.exp(rng.normal(0.0, 1.0, 200))
    blown = np.concatenate([[0.8, 19.0, 20.0], high])
    found = climb(blown, into_nonfinite=False)
    assert found is not None
    assert found.first == 1
    noisy = np.concatenate([[60.0, 19.0, 20.0], high])
    assert climb(noisy, into_nonfinite=False) is None
    by_design = np.concatenate(
        [[0.8], np.linspace(0.8, 400.0, 200) * np.exp(0.1 * rng.normal(size=200))]
    )
    first = climb(by_design, into_nonfinite=False)
    assert first is None or first.first > 1


@pytest.mark.parametrize("seed", range(5))
def test_a_first_row_that_is_low_by_chance_is_no_level_that_was_lost(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noisy = 0.6 * np.exp(0.3 * rng.normal(size=180))
    noisy[[0, 4]] = 0.24, 1.3
    assert climb(noisy, into_nonfinite=False) is None
