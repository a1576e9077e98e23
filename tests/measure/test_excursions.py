"""Excursions: stretches above a series' own noise."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.measure.excursions import (
    GRADIENT,
    HINDSIGHT,
    LOSS,
    NOISY,
    Sensitivity,
    excursions,
    level_shifts,
    rhythmic,
)
from tests.synthetic import Column, decay, norms, put, scale, steady

NORMAL = np.random.default_rng(5)


def starts(values: Column, sensitivity: Sensitivity = LOSS) -> list[int]:
    return [excursion.first for excursion in excursions(values, sensitivity)]


def spiky(seed: int, rows: int, spikes: int, offset: float = 0.0) -> Column:
    """Log-normal noise with spikes of random places, lengths and heights."""
    rng = np.random.default_rng(seed)
    values = np.exp(0.1 * rng.standard_normal(rows))
    for _ in range(spikes):
        at = int(rng.integers(0, rows))
        values[at : at + int(rng.integers(1, 12))] *= np.exp(rng.uniform(1, 6))
    return values - offset


HEALTHY: dict[str, Column] = {
    "nothing": np.zeros(0),
    "one row": np.ones(1),
    "twenty rows": decay(20),
    "a thousand rows": decay(1000),
    "no noise at all": np.linspace(2.0, 0.5, 300),
    "constant": np.ones(300),
    "constant zero": np.zeros(300),
    "falls to exactly zero": np.maximum(decay(300, end=0.0) - 0.3, 0.0),
    "negative": -2.0 + decay(500),
    "crosses zero": decay(500) - 1.0,
    "rises slowly": np.linspace(1.0, 3.0, 500) * norms(500, noise=0.05),
    "warm-up hump": decay(500) * (1 + 0.8 * np.exp(-(((np.arange(500) - 60) / 25) ** 2))),
    "sawtooth of epochs": 1.0 + 0.2 * (np.arange(600) % 50 / 50) + 0.02 * NORMAL.random(600),
    "huge first rows": np.concatenate([[900.0, 300.0, 80.0], decay(300)]),
    "a first step that is far too long": np.concatenate([[2.3, 900.0, 300.0, 80.0], decay(300)]),
    "heavy tails from the start": np.exp(2.0 * np.random.default_rng(8).standard_normal(300)),
    "a dip to zero and back": put(decay(400), slice(200, 205), 0.0),
    "smoothed": np.convolve(decay(600, noise=0.2), np.ones(40) / 40, "valid"),
    "a step down": scale(decay(400), slice(200, None), 0.3),
}


@pytest.mark.parametrize("values", HEALTHY.values(), ids=HEALTHY)
@pytest.mark.parametrize("sensitivity", [LOSS, GRADIENT, NOISY], ids=["loss", "norm", "noisy"])
def test_healthy_series_have_none(values: Column, sensitivity: Sensitivity) -> None:
    assert starts(values, sensitivity) == []


@pytest.mark.parametrize("seed", range(5))
def test_heavy_tails_are_not_spikes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    norm = 0.5 * np.exp(0.3 * rng.standard_normal(3000)) * (1 + 0.3 * rng.pareto(2.5, 3000))
    assert len(starts(norm, GRADIENT)) <= 1


@pytest.mark.parametrize("rows", [20, 60, 400, 3000])
@pytest.mark.parametrize("height", [5.0, 50.0, 1e6])
def test_one_spike_is_found_where_it_is(rows: int, height: float) -> None:
    at = rows - 5
    (found,) = excursions(scale(decay(rows, noise=0.03), at, height), LOSS)
    assert (found.first, found.last, found.peak, found.recovered) == (at, at, at, True)


def test_a_spike_in_a_negative_loss() -> None:
    values = -2.0 + decay(500)
    values[300:303] += np.array([6.0, 3.0, 1.5])
    (found,) = excursions(values, LOSS)
    assert (found.first, found.peak, found.recovered) == (300, 300, True)
    assert 302 <= found.last <= 303


def test_a_spike_in_a_loss_that_crosses_zero() -> None:
    values = decay(500) - 1.0
    values[400] += 6.0
    assert starts(values) == [400]


def test_several_spikes_do_not_hide_one_another() -> None:
    values = scale(decay(1000), [200, 230, 260, 300, 700], 12.0)
    assert starts(values) == [200, 230, 260, 300, 700]


def test_a_long_tall_spike_does_not_hide_a_later_lower_one() -> None:
    values = scale(scale(decay(1000), slice(200, 220), 40.0), 400, 5.0)
    assert starts(values) == [200, 400]


def test_a_long_spike_ends_where_the_series_is_back() -> None:
    values = decay(500)
    values[300:330] *= np.linspace(10, 4, 30)
    (found,) = excursions(values, LOSS)
    assert (found.first, found.recovered) == (300, True)
    assert 328 <= found.last <= 331


def test_what_does_not_come_back_has_not_recovered() -> None:
    values = scale(decay(400), slice(350, None), 20.0)
    (found,) = excursions(values, LOSS)
    assert (found.first, found.last, found.recovered) == (350, 399, False)


def test_an_excursion_that_outlasts_the_baseline_is_a_new_level() -> None:
    values = scale(decay(3000), slice(1000, None), 20.0)
    found = excursions(values, LOSS)
    assert found[0].first == 1000
    assert not found[0].recovered
    assert found[0].last < 2000


@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(20, 400),
    spikes=st.integers(0, 8),
    share=st.floats(0, 1),
    offset=st.sampled_from([0.0, 2.0]),
)
@settings(max_examples=80, deadline=None)
def test_a_prefix_has_the_same_starts(
    seed: int, rows: int, spikes: int, share: float, offset: float
) -> None:
    values = spiky(seed, rows, spikes, offset)
    end = max(HINDSIGHT, int(share * rows))  # the first rows are judged by those after them
    assert starts(values[:end]) == [row for row in starts(values) if row < end]


@given(
    seed=st.integers(0, 10_000),
    rows=st.integers(20, 400),
    spikes=st.integers(0, 8),
    factor=st.sampled_from([1e-6, 1e6]),
)
@settings(max_examples=60, deadline=None)
def test_the_unit_does_not_matter(seed: int, rows: int, spikes: int, factor: float) -> None:
    values = spiky(seed, rows, spikes)
    one, other = excursions(values, LOSS), excursions(values * factor, LOSS)
    assert [(e.first, e.last, e.peak, e.recovered) for e in one] == [
        (e.first, e.last, e.peak, e.recovered) for e in other
    ]


@given(seed=st.integers(0, 10_000), later=st.lists(st.integers(180, 399), max_size=6))
@settings(max_examples=50, deadline=None)
def test_later_spikes_do_not_change_an_earlier_one(seed: int, later: list[int]) -> None:
    values = scale(norms(400, seed, noise=0.05), 150, 20.0)
    alone = excursions(values, LOSS)[0]
    among = excursions(scale(values, later, 30.0), LOSS)[0]
    assert (alone.first, alone.height, alone.centre) == (among.first, among.height, among.centre)


def test_earlier_spikes_do_not_change_the_height_of_a_later_one() -> None:
    values = scale(np.ones(400), 350, 20.0)
    alone = excursions(values, LOSS)[-1]
    among = excursions(scale(values, [100, 150, 200, 250, 300, 310, 320], 50.0), LOSS)[-1]
    assert (alone.first, alone.height) == (among.first, among.height)


@pytest.mark.parametrize("rows", [20_000, 100_000])
def test_long_series_take_no_time(rows: int) -> None:
    values = scale(norms(rows, noise=0.1), [rows // 2, rows - 100], 40.0)
    began = time.process_time()
    found = starts(values)
    assert time.process_time() - began < 2.0
    assert found == [rows // 2, rows - 100]


def test_a_later_zero_does_not_change_earlier_starts() -> None:
    values = norms(120, seed=3, usual=1.0, noise=0.05)
    values[40:70] *= np.linspace(8, 1.4, 30)
    values[60] *= 6
    assert starts(put(values, 100, 0.0)) == starts(values)


def test_what_rings_after_a_spike_is_not_taken_for_usual() -> None:
    values = decay(700, noise=0.3)
    for at in range(38, 700, 100):
        values[at] *= 400.0
        values[at + 2 : at + 5] *= np.array([25.0, 12.0, 6.0])
    assert [s for s in starts(values) if s % 100 == 38] == list(range(38, 700, 100))


LEAST = float(np.log(2.0))


def shifts(values: Column) -> list[int]:
    return [shift.first for shift in level_shifts(values, LEAST)]


def shifted(noise: float, factor: float = 4.0, seed: int = 0, at: int = 250) -> Column:
    """A level that is left for one `factor` times as high."""
    return scale(norms(400, seed, usual=1.0, noise=noise), slice(at, None), factor)


@pytest.mark.parametrize("values", HEALTHY.values(), ids=HEALTHY)
def test_healthy_series_have_no_level_shift(values: Column) -> None:
    assert shifts(values) == []


UNSHIFTED: dict[str, Column] = {
    "thirty rows": shifted(0.1, at=20)[:30],
    "less than asked for": shifted(0.02, 1.8),
    "one row": scale(decay(400), 250, 20.0),
    "five rows": scale(decay(400), slice(250, 255), 20.0),
    "the last rows": scale(decay(400), slice(392, None), 20.0),
    "a slope": np.concatenate([np.ones(200), np.geomspace(1.0, 20.0, 200)])
    * norms(400, noise=0.02),
    "steep, but no step": np.concatenate(
        [np.ones(200), np.geomspace(1.0, 20.0, 24), np.full(176, 20.0)]
    ),
    "down": shifted(0.1, 0.2),
    "a swing": np.exp(np.sin(np.arange(400) / 12)) * norms(400, noise=0.05),
    "negative": shifted(0.1) - 9.0,
}


@pytest.mark.parametrize("values", UNSHIFTED.values(), ids=UNSHIFTED)
def test_no_level_shift(values: Column) -> None:
    assert shifts(values) == []


@pytest.mark.parametrize("noise", [0.5, 1.0])
@pytest.mark.parametrize("seed", range(10))
def test_noise_is_no_level_shift(seed: int, noise: float) -> None:
    assert shifts(norms(2000, seed, usual=1.0, noise=noise)) == []


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1, 0.2])
@pytest.mark.parametrize("seed", range(8))
def test_a_level_shift_begins_in_its_first_row(seed: int, noise: float) -> None:
    (found,) = level_shifts(shifted(noise, seed=seed), LEAST)
    assert (found.first, found.last, found.recovered) == (250, 399, False)
    assert found.centre == pytest.approx(1.0, rel=0.3 if noise else 1e-9)
    assert found.height == pytest.approx(np.log(4.0), abs=0.3)


def test_damage_that_is_worked_off_ends_where_the_level_is_back() -> None:
    bump = np.ones(1000)
    bump[400:] += 5.0 * np.exp(-np.arange(600) / 80)
    (found,) = level_shifts(steady(1000, usual=1.0, noise=0.05) * bump, LEAST)
    assert (found.first, found.recovered) == (400, True)
    assert 480 < found.last < 800
    assert 400 <= found.peak < 420


def test_two_level_shifts() -> None:
    values = scale(shifted(0.05, at=100), slice(250, None), 4.0)
    there_and_back = scale(scale(shifted(0.05, 1.0), slice(80, 160), 5.0), slice(250, 330), 5.0)
    assert shifts(values) == [100]  # the first one has not ended
    assert shifts(there_and_back) == [80, 250]


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_unit_of_a_level_shift_does_not_matter(factor: float) -> None:
    values = shifted(0.1)
    assert shifts(values * factor) == shifts(values)


def test_level_shifts_of_long_series_take_no_time() -> None:
    values = scale(norms(100_000, noise=0.1), slice(50_000, None), 4.0)
    began = time.process_time()
    assert shifts(values) == [50_000]
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("at", [2, 5, 7])
@pytest.mark.parametrize("rows", [16, 200])
def test_a_tower_among_the_first_rows_and_those_after_it(at: int, rows: int) -> None:
    values = put(decay(rows), slice(at, None, 12), 5000.0)
    assert starts(values) == list(range(at, rows, 12))


@pytest.mark.parametrize("rows", [slice(0, 1), slice(1, 2), slice(3, 5), slice(2, None, 2)])
def test_no_tower_where_a_run_starts_high_or_goes_up_and_down(rows: slice) -> None:
    values = put(decay(100), slice(0, 0), 1.0)
    values[:20] = put(values[:20], rows, 5000.0)
    assert not [at for at in starts(values) if at < 8]


# ---- what keeps time


def beating(rows: list[int], height: float = 7.0, noise: float = 0.15) -> Column:
    return scale(norms(180, noise=noise), rows, height)


BEATS = list(range(12, 180, 13))


def test_rows_that_keep_time_stand_out_of_any_noise() -> None:
    values = beating(BEATS)
    assert starts(values, GRADIENT) == []
    assert [one.first for one in rhythmic(values, np.log(4.0))] == BEATS
    missed = [row for row in BEATS if row != BEATS[5]]
    assert [one.first for one in rhythmic(beating(missed), np.log(4.0))] == missed


@pytest.mark.parametrize(
    "values",
    [
        norms(180, noise=0.3),
        norms(3000, noise=1.0),
        beating([20, 50, 63, 99, 130, 171]),
        beating(BEATS[:4]),
        beating(BEATS[::4]),
        beating(BEATS, height=2.0),
        beating([*BEATS, 30, 71]),
        beating(list(range(9, 180, 3))),
        beating(BEATS) - 3.0,
        np.zeros(0),
    ],
    ids=[
        "nothing",
        "heavy tails",
        "no rhythm",
        "four beats",
        "mostly missed",
        "low",
        "others between",
        "every third row",
        "negative",
        "no rows",
    ],
)
def test_what_keeps_no_time(values: Column) -> None:
    assert rhythmic(values, np.log(4.0)) == []
