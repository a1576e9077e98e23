"""Robust numbers of a few values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.measure.robust import (
    autocorrelation,
    block_levels,
    finite,
    level,
    line,
    log_positive,
    noise,
)
from tests.synthetic import decay, norms, scale

VALUES = st.lists(st.floats(-1e6, 1e6), max_size=40).map(np.array)


def test_finite_keeps_the_order() -> None:
    assert finite(np.array([3.0, np.nan, 1.0, np.inf, 2.0, -np.inf])).tolist() == [3, 1, 2]


def test_level_of_nothing_is_nan() -> None:
    assert np.isnan(level(np.zeros(0)))
    assert level(np.array([5.0, 1.0, 1000.0])) == 5.0


@given(values=VALUES, shift=st.floats(-1e3, 1e3))
def test_noise_is_never_negative_and_needs_three_values(values: np.ndarray, shift: float) -> None:
    assert noise(values) >= 0
    if len(values) < 3:
        assert noise(values) == 0


@pytest.mark.parametrize("slope", [0.0, 0.5, -3.0])
def test_a_trend_is_no_noise(slope: float) -> None:
    values = np.random.default_rng(0).standard_normal(2000) + slope * np.arange(2000)
    assert 0.8 < noise(values) < 1.2


def test_a_few_outliers_are_no_noise() -> None:
    values = np.random.default_rng(0).standard_normal(2000)
    assert noise(scale(values, [50, 500, 900], 1e6)) < 1.2


def test_logarithms_hold_zeros_at_the_smallest_positive_value() -> None:
    np.testing.assert_allclose(
        np.exp(log_positive(np.array([0.0, -3.0, 0.5, 8.0]))), [0.5, 0.5, 0.5, 8.0]
    )
    assert log_positive(np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("x", "y"), [([0, 1], [1, 2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, 3], [4, 4, 4]), ([], [])]
)
def test_no_line_through_too_little(x: list[float], y: list[float]) -> None:
    assert line(np.array(x), np.array(y)) == (0.0, 0.0)


def test_a_line_and_how_straight_it_is() -> None:
    x = np.arange(50.0)
    slope, fit = line(x, 3 * x - 7)
    assert slope == pytest.approx(3)
    assert fit == pytest.approx(1)
    assert line(x, np.random.default_rng(0).standard_normal(50))[1] < 0.3


@pytest.mark.parametrize(("rows", "blocks", "found"), [(0, 5, 0), (3, 5, 3), (100, 5, 5)])
def test_block_levels(rows: int, blocks: int, found: int) -> None:
    assert len(block_levels(np.arange(float(rows)), blocks)) == found


@given(st.integers(1, 100), st.integers(1, 40))
def test_block_levels_are_the_medians_of_the_parts(rows: int, blocks: int) -> None:
    values = np.random.default_rng(rows).standard_normal(rows)
    parts = np.array_split(values, min(blocks, rows))
    assert block_levels(values, blocks).tolist() == [np.median(part) for part in parts]


@given(st.integers(3, 60), st.floats(-1e3, 1e3), st.floats(-1e6, 1e6))
def test_a_line_is_that_of_least_squares(rows: int, slope: float, offset: float) -> None:
    x = np.arange(rows, dtype=float)
    y = slope * x + offset + np.random.default_rng(rows).standard_normal(rows)
    found, _ = line(x, y)
    assert found == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-6, abs=1e-6)


def test_block_levels_follow_the_course() -> None:
    levels = block_levels(scale(decay(400), [10, 200], 100.0), 8)
    assert (np.diff(levels) < 0).all()


def test_autocorrelation_tells_smoothed_from_raw() -> None:
    raw = norms(600)
    assert autocorrelation(raw) < 0
    smoothed = raw.copy()
    for row in range(1, len(raw)):
        smoothed[row] = 0.95 * smoothed[row - 1] + 0.05 * raw[row]
    means = np.cumsum(raw) / np.arange(1, len(raw) + 1)
    assert autocorrelation(np.convolve(smoothed, np.ones(5) / 5, "valid")) > 0.5
    assert autocorrelation(means) > autocorrelation(raw)


@pytest.mark.parametrize("values", [np.zeros(0), np.ones(5), np.ones(100), np.arange(100.0)])
def test_autocorrelation_of_what_has_no_noise_is_zero(values: np.ndarray) -> None:
    assert autocorrelation(values) == 0
