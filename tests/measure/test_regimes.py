"""Lasting rises: a low level that is left for a high one."""

from __future__ import annotations

import time

import numpy as np
import pytest

from gradcheck.measure.regimes import lasting_rise, thrown_off, unlearned
from tests.synthetic import Column, decay, norms, put, scale, steady

ROWS = 600


def two_levels(
    high: float, noise: float, rows: int = ROWS, seed: int = 4, at: float = 0.5
) -> Column:
    """From 2.3 down to 0.5, and from a share of the rows on at another level."""
    low = int(at * rows)
    down = decay(low, seed, start=2.3, noise=noise)
    return np.concatenate([down, norms(rows - low, seed + 1, usual=high, noise=noise)])


def humped(end: float) -> Column:
    """Up in mid-run and back down to `end`."""
    up = np.linspace(0.5, 3.0, 150)
    return np.concatenate([decay(200), up, np.linspace(3.0, end, 150), steady(100, usual=end)])


QUIET: dict[str, Column] = {
    "nothing": np.zeros(0),
    "falling": decay(ROWS),
    "falling, very noisy": decay(ROWS, noise=0.8),
    "level": steady(ROWS),
    "level, very noisy": norms(ROWS, usual=1.0, noise=1.0),
    "constant": np.ones(ROWS),
    "too short": two_levels(2.3, 0.1, 90),
    "negative": two_levels(2.3, 0.1) - 9.0,
    "an exact 0": put(two_levels(2.3, 0.1), 100, 0.0),
    "a fifth up": two_levels(0.6, 0.05),
    "within the noise": two_levels(0.85, 1.2),
    "one row": scale(decay(ROWS), 400, 50.0),
    "thirty rows": scale(decay(ROWS), slice(400, 430), 5.0),
    "the last forty rows": scale(decay(ROWS), slice(560, None), 5.0),
    "a hump that comes down": humped(0.5),
    "a hump that is coming down": humped(1.4),
    "up in mid-run only": np.concatenate([decay(200), steady(200, usual=3.0), decay(200, start=1)]),
    "a swing": 1.0 + 0.6 * np.sin(np.arange(ROWS) / 9) + 0.1 * norms(ROWS),
    "little of what was won": np.concatenate([decay(400, start=90.0), steady(200, usual=1.0)]),
}


@pytest.mark.parametrize("values", QUIET.values(), ids=QUIET)
def test_no_lasting_rise(values: Column) -> None:
    assert lasting_rise(values) is None


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("noise", [0.05, 0.3, 1.0])
def test_noise_alone_is_none(seed: int, noise: float) -> None:
    assert lasting_rise(norms(400, seed, usual=1.0, noise=noise)) is None


@pytest.mark.parametrize("rows", [120, ROWS, 5000])
@pytest.mark.parametrize("noise", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("at", [0.35, 0.5, 0.7])
def test_a_high_level_to_the_end(rows: int, noise: float, at: float) -> None:
    row = lasting_rise(two_levels(2.3, noise, rows, at=at))
    assert row is not None
    assert abs(row - at * rows) <= rows / 12


@pytest.mark.parametrize("seed", range(5))
def test_swings_that_end_on_the_logarithm_of_the_classes(seed: int) -> None:
    swinging = decay(300, seed, noise=0.7)
    values = np.concatenate([swinging, steady(300, seed, usual=2.3, noise=0.01)])
    row = lasting_rise(values)
    assert row is not None
    assert abs(row - 300) <= 50


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_does_not_matter(factor: float) -> None:
    values = two_levels(2.3, 0.2)
    assert lasting_rise(values) == lasting_rise(values * factor)


def test_single_low_rows_do_not_hide_it() -> None:
    values = scale(two_levels(2.3, 0.05), [450, 500, 590], 0.1)
    assert lasting_rise(values) is not None


def test_a_hundred_thousand_rows_take_no_time() -> None:
    values = two_levels(2.3, 0.2, 100_000)
    began = time.process_time()
    assert lasting_rise(values) is not None
    assert time.process_time() - began < 1.0


# ---- a blow that leaves its mark


def struck(left: float, blow: float = 9.0, at: int = 109, rows: int = 140) -> Column:
    """From 3.8 down to 2.1, a blow of a few rows, and another level."""
    before = decay(at, start=3.8, end=2.1, noise=0.04)
    after = norms(rows - at - 4, 7, 2.1 * left, 0.04)
    return np.concatenate([before, 2.1 * np.geomspace(blow, 1.5, 4), after])


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("left", [1.3, 1.45, 1.9])
def test_a_blow_after_which_the_loss_stays_up(left: float, unit: float) -> None:
    assert thrown_off(unit * struck(left)) == 109


SHAKEN_OFF: dict[str, Column] = {
    "as before": struck(1.0),
    "new data, after a start that was learned within a few rows": np.concatenate(
        [
            np.geomspace(0.84, 0.1, 10),
            decay(140, start=0.1, end=0.01),
            [2.4, 0.3],
            steady(80, usual=0.05),
        ]
    ),
    "hardly higher": struck(1.1),
    "coming down": np.concatenate([struck(1.5)[:120], np.geomspace(3.2, 2.1, 60)]),
    "no blow": struck(1.4, blow=1.6),
    "higher than the blow": struck(8.0),
    "few rows since": struck(1.45, rows=120),
    "early": struck(1.45, at=15),
    "new data, as far from known as the first": np.concatenate(
        [decay(150, start=0.9, end=0.01), np.geomspace(2.4, 0.05, 6), steady(80, usual=0.05)]
    ),
    "a little of what was learned": np.concatenate(
        [decay(100, start=300.0, end=0.5), [40.0, 9.0, 2.0], steady(60, usual=0.65)]
    ),
    "noise as wide": np.concatenate(
        [norms(100, 3, 2.0, 0.8), [90.0, 20.0], norms(80, 4, 2.6, 0.8)]
    ),
    "negative": struck(1.45) - 3.0,
    "falling": decay(ROWS),
    "few rows": decay(20),
}


@pytest.mark.parametrize("values", SHAKEN_OFF.values(), ids=SHAKEN_OFF)
def test_a_blow_that_is_shaken_off(values: Column) -> None:
    assert thrown_off(values) is None


EPOCHS = 60
LEARNED = [1.71, 1.19, 0.57, 0.84, 1.42, 1.78]


def at_chance(first: list[float], level: float = 1.61, noise: float = 0.004) -> Column:
    """A few epochs, and then those of a model that says the same of everything."""
    return np.concatenate([first, norms(EPOCHS - len(first), usual=level, noise=noise)])


LEARNING: dict[str, Column] = {
    "nothing": np.zeros(0),
    "falling": decay(EPOCHS),
    "at chance from the start": at_chance([1.64, 1.63, 1.62]),
    "less than it began with": at_chance([3.0, 1.2, 0.5, 0.6]),
    "more than it began with": at_chance([0.1, 0.3, 0.45, 0.7, 0.9], level=1.0),
    "noisy at the end": at_chance(LEARNED, noise=0.1),
    "learned little": at_chance([1.7, 1.5, 1.2, 1.1, 1.2]),
    "one low row": at_chance([1.7, 0.4, 1.6]),
    "negative": at_chance(LEARNED) - 2.0,
    "few rows": at_chance(LEARNED)[:12],
}


@pytest.mark.parametrize("name", LEARNING)
def test_not_unlearned(name: str) -> None:
    assert unlearned(LEARNING[name]) is None


def test_all_that_was_learned_is_lost() -> None:
    assert unlearned(at_chance(LEARNED)) == 4
    assert unlearned(1e6 * at_chance(LEARNED)) == 4
