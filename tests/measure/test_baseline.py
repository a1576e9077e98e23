"""The trailing baseline: what is normal for a row, from the rows before it alone."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.measure.baseline import DENSE_ROWS, MIN_HISTORY, baseline, trailing_median
from tests.synthetic import Column, decay, norms, put

SIGNS = ["positive", "negative", "mixed", "turns negative", "touches zero"]


def series(seed: int, rows: int, sign: str) -> Column:
    rng = np.random.default_rng(seed)
    values = np.exp(rng.standard_normal(rows))
    if sign == "negative":
        return -values
    if sign == "mixed":
        return rng.standard_normal(rows)
    if sign == "turns negative":
        values[rows // 2 :] -= 3.0
    if sign == "touches zero":
        values[rows // 2] = 0.0
    return values


@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(1, 260),
    share=st.floats(0, 1),
    sign=st.sampled_from(SIGNS),
)
@settings(max_examples=80, deadline=None)
def test_a_baseline_only_looks_back(seed: int, rows: int, share: float, sign: str) -> None:
    values = series(seed, rows, sign)
    end = int(share * rows)
    whole, prefix = baseline(values), baseline(values[:end])
    np.testing.assert_array_equal(prefix.value, whole.value[:end])
    np.testing.assert_array_equal(prefix.centre, whole.centre[:end])
    np.testing.assert_array_equal(prefix.scale, whole.scale[:end])
    np.testing.assert_array_equal(prefix.logarithmic, whole.logarithmic[:end])


@pytest.mark.parametrize("end", [DENSE_ROWS - 1, DENSE_ROWS + 1, 2 * DENSE_ROWS + 3])
def test_a_long_baseline_only_looks_back(end: int) -> None:
    values = norms(3 * DENSE_ROWS)
    whole, prefix = baseline(values), baseline(values[:end])
    np.testing.assert_array_equal(prefix.centre, whole.centre[:end])
    np.testing.assert_array_equal(prefix.scale, whole.scale[:end])


@given(seed=st.integers(0, 10_000), row=st.integers(0, 199), height=st.floats(-1e6, 1e6))
@settings(max_examples=50, deadline=None)
def test_a_value_never_enters_its_own_baseline(seed: int, row: int, height: float) -> None:
    values = np.random.default_rng(seed).standard_normal(200)
    changed = put(values, row, height)
    before, after = baseline(values), baseline(changed)
    if before.logarithmic[row] == after.logarithmic[row]:
        assert after.centre[row] == before.centre[row] or np.isnan(before.centre[row])
        assert after.scale[row] == before.scale[row] or np.isnan(before.scale[row])


@pytest.mark.parametrize("rows", [0, 1, MIN_HISTORY, MIN_HISTORY + 1, 20, 51, 300])
def test_the_first_rows_have_no_baseline(rows: int) -> None:
    base = baseline(norms(rows) if rows else np.zeros(0))
    assert len(base.centre) == len(base.scale) == len(base.value) == rows
    assert np.isnan(base.centre[:MIN_HISTORY]).all()
    assert np.isnan(base.scale[:MIN_HISTORY]).all()
    assert np.isfinite(base.centre[MIN_HISTORY:]).all()
    assert np.isfinite(base.scale[MIN_HISTORY:]).all()


def test_positive_values_are_measured_as_logarithms() -> None:
    values = norms(100)
    base = baseline(values)
    assert base.logarithmic.all()
    np.testing.assert_allclose(base.value, np.log(values))


def test_from_the_first_zero_on_values_are_measured_as_they_are() -> None:
    values = put(norms(100), 60, 0.0)
    base = baseline(values)
    assert base.logarithmic.tolist() == [True] * 60 + [False] * 40
    np.testing.assert_allclose(base.value[60:], values[60:])


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_of_a_positive_series_does_not_matter(factor: float) -> None:
    values = norms(300)
    one, other = baseline(values), baseline(values * factor)
    np.testing.assert_allclose(other.residual, one.residual, atol=1e-9)
    np.testing.assert_allclose(other.scale, one.scale, atol=1e-9)


def test_a_spike_of_half_the_window_leaves_the_centre_alone() -> None:
    values = np.ones(200)
    values[100:124] = 1000.0
    assert abs(baseline(values).centre[124]) < 1e-9


def test_a_falling_trend_is_no_noise() -> None:
    falling, level = decay(600, noise=0.02), norms(600, usual=1.0, noise=0.02)
    assert np.median(baseline(falling).scale[60:]) < 2 * np.median(baseline(level).scale[60:])


def test_the_noise_is_about_right() -> None:
    base = baseline(norms(2000, noise=0.2))
    assert 0.15 < np.median(base.scale[50:]) < 0.3


def test_trailing_median_is_the_median_of_the_rows_before() -> None:
    values = np.random.default_rng(0).standard_normal(300)
    medians = trailing_median(values, 50)
    for row in (8, 20, 49, 50, 51, 299):
        assert medians[row] == np.median(values[max(0, row - 50) : row])


def test_beyond_the_dense_rows_a_median_holds_for_its_stride() -> None:
    rows = 5 * DENSE_ROWS
    values = norms(rows)
    medians = trailing_median(values, 50)
    for stride, first in ((2, DENSE_ROWS), (4, 2 * DENSE_ROWS), (8, 4 * DENSE_ROWS)):
        held = medians[first : first + 10 * stride].reshape(10, stride)
        expected = [
            np.median(values[r - 50 : r]) for r in range(first, first + 10 * stride, stride)
        ]
        assert held.tolist() == [[median] * stride for median in expected]


def test_a_hundred_thousand_rows_take_no_time() -> None:
    values = norms(100_000)
    began = time.process_time()
    baseline(values)
    assert time.process_time() - began < 2.0
