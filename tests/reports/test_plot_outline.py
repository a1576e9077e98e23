"""What a plot may leave out: never a spike, an end, or a value that is not finite."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.model import FloatArray, Role
from gradcheck.reports.plot_outline import PER_BUCKET, outline, telling_rows
from tests.reports.conftest import series

VALUES = st.lists(st.floats(), min_size=1, max_size=400).map(np.array)


@given(VALUES, st.integers(0, 20))
def test_thinning_keeps_what_stands_out(values: FloatArray, buckets: int) -> None:
    rows = telling_rows(values, buckets)
    kept, finite = values[rows], values[np.isfinite(values)]
    assert len(rows) <= PER_BUCKET * max(buckets, 1)
    assert (np.diff(rows) > 0).all()
    if len(finite):
        assert kept[np.isfinite(kept)].max() == finite.max()
        assert kept[np.isfinite(kept)].min() == finite.min()
    for kind in (np.isnan, np.isposinf, np.isneginf):
        assert kind(kept).any() == kind(values).any()


def test_one_spike_in_a_million_is_kept() -> None:
    values = np.ones(1_000_000)
    values[123_457], values[765_432] = 50.0, np.nan
    [part] = outline(series("loss", values, Role.LOSS), 6000)
    assert len(part.step) <= 6000
    assert part.value[part.step.tolist().index(123_457)] == 50.0
    assert np.isnan(part.value[part.step.tolist().index(765_432)])


def test_a_run_that_starts_over_is_drawn_in_stretches() -> None:
    steps = np.concatenate([np.arange(200), np.arange(150, 350)])
    found = dataclasses.replace(series("loss", np.ones(400), Role.LOSS), step=steps)
    first, second = outline(found, 100)
    assert (first.step[0], first.step[-1]) == (0, 199)
    assert (second.step[0], second.step[-1]) == (150, 349)


@pytest.mark.parametrize("most", [50, 1000])
def test_steps_that_are_no_clock_are_put_in_order(most: int) -> None:
    found = dataclasses.replace(series("loss", np.ones(400), Role.LOSS), step=np.arange(400) % 20)
    [part] = outline(found, most)
    assert (np.diff(part.step) >= 0).all()
