"""The quantiles against scipy's."""

from __future__ import annotations

import pytest
import scipy.stats

from gradcheck.comparison.quantiles import cluster_rate, student


@pytest.mark.parametrize("tail", [1e-6, 1e-5, 1e-4, 1e-2, 0.3])
@pytest.mark.parametrize("freedom", [20, 60, 1000])
def test_student(tail: float, freedom: float) -> None:
    assert student(tail, freedom) == pytest.approx(scipy.stats.t.isf(tail, freedom), rel=0.01)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_cluster_rate(count: int) -> None:
    rate = cluster_rate(count, 1e-4)
    found = scipy.stats.geom.sf(count - 1, 1 / (1 + rate), loc=-1)
    assert found == pytest.approx(1e-4, rel=1e-6)
