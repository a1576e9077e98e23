"""Trends by ranks: first noise, spikes and falls, which are none."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.measure.trends import creeping_rise, kendall
from tests.synthetic import Column, decay, norms, put

ROWS = 240
FALL = np.geomspace(4.0, 2.0, 60)


def noisy(course: Column, noise: float = 0.1) -> Column:
    return course * norms(len(course), usual=1.0, noise=noise)


def up(to: float) -> Column:
    """Down to half, and up again to `to` in the rest of the run."""
    return np.append(FALL, np.linspace(2.0, to, ROWS - len(FALL)))


NEAR_MISSES: dict[str, Column] = {
    "falls": noisy(decay(ROWS)),
    "level": noisy(np.append(FALL, np.full(180, 2.0))),
    "up by a tenth": noisy(up(2.2), 0.02),
    "one spike at the end": put(noisy(up(2.0)), slice(ROWS - 4, None), 40.0),
    "up and down again": noisy(np.append(up(3.0)[:150], np.linspace(2.5, 2.0, 90))),
    "nothing but noise": noisy(np.full(ROWS, 2.0), 0.6),
    "little of what was learned": noisy(np.append(np.geomspace(400, 2, 60), up(2.6)[60:]), 0.02),
    "short": noisy(up(3.0))[::8],
    "negative": noisy(up(3.0)) - 3.0,
}


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_no_rise(name: str) -> None:
    assert creeping_rise(NEAR_MISSES[name]) is None


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.15])
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e5])
def test_a_slow_rise_begins_where_it_left_its_best_level(noise: float, unit: float) -> None:
    first = creeping_rise(unit * noisy(up(3.0), noise))
    assert first is not None
    assert 40 <= first <= 130


def test_the_statistic_of_a_strict_order() -> None:
    rising = np.arange(10.0)
    most = 45 / np.sqrt(10 * 9 * 25 / 18)
    assert kendall(rising) == pytest.approx(most)
    assert kendall(-rising) == pytest.approx(-most)
    assert kendall(np.zeros(10)) == kendall(rising[:1]) == 0


def test_of_many_rows_few_are_compared() -> None:
    assert kendall(np.arange(50_000.0)) > 5
