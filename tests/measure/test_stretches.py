"""Stretches of rows, and rows of two series that belong together."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.measure.stretches import (
    between,
    row_at,
    row_before,
    rows_within,
    same_rows,
    stretches,
)
from gradcheck.model import Series


def series(*steps: int) -> Series:
    rows = np.arange(len(steps))
    return Series("s", rows, np.array(steps, dtype=np.int64), rows.astype(float))


@pytest.mark.parametrize(
    ("rows", "join", "found"),
    [
        ([], 10, []),
        ([4], 10, [(4, 4)]),
        ([0, 1, 2, 49], 10, [(0, 2), (49, 49)]),
        ([5, 15], 10, [(5, 15)]),
        ([5, 16], 10, [(5, 5), (16, 16)]),
        ([5, 7, 8], 1, [(5, 5), (7, 8)]),
    ],
)
def test_stretches(rows: list[int], join: int, found: list[tuple[int, int]]) -> None:
    mask = np.zeros(50, dtype=bool)
    mask[rows] = True
    assert stretches(mask, join) == found


@given(st.lists(st.booleans(), max_size=80).map(np.array), st.integers(1, 12))
def test_stretches_cover_every_true_row_and_lie_apart(mask: np.ndarray, join: int) -> None:
    mask = mask.astype(bool)
    found = stretches(mask, join)
    covered = np.zeros(len(mask), dtype=bool)
    for first, last in found:
        assert mask[first]
        assert mask[last]
        covered[first : last + 1] = True
    assert covered[mask].all()
    assert all(b[0] - a[1] > join for a, b in pairwise(found))


def test_same_rows() -> None:
    left, right = series(0, 2, 4, 6), series(1, 2, 3, 6)
    mine, its = same_rows(left, right)
    assert left.step[mine].tolist() == right.step[its].tolist() == [2, 6]


def test_same_rows_of_series_that_share_no_step() -> None:
    mine, its = same_rows(series(0, 2), series(1, 3))
    assert len(mine) == len(its) == 0


def test_same_rows_takes_the_last_writing_of_a_step() -> None:
    mine, its = same_rows(series(0, 1, 2, 1, 2, 3), series(1, 2, 3))
    assert mine.tolist() == [3, 4, 5]
    assert its.tolist() == [0, 1, 2]


def test_same_rows_from_a_row_on() -> None:
    left, right = series(0, 1, 2, 1, 3), series(0, 1, 1, 2, 3)
    mine, its = same_rows(left, right, 3)
    assert mine.tolist() == [3, 4]
    assert its.tolist() == [2, 4]
    assert len(same_rows(left, right, 5)[0]) == 0


COLUMNS = st.lists(st.integers(-5, 5), max_size=12)


@given(COLUMNS, st.booleans(), st.integers(-6, 6), st.integers(-6, 6))
def test_bisection_finds_the_rows_that_a_search_finds(
    column: list[int], ascending: bool, first: int, last: int
) -> None:
    steps = np.array(sorted(column) if ascending else column, dtype=np.int64)
    one = Series("s", steps, steps, np.arange(len(steps), dtype=float), wall=steps.astype(float))
    inside = np.flatnonzero((steps >= first) & (steps <= last))
    assert rows_within(one, first, last).tolist() == inside.tolist()
    cut = between(one, first, last)
    assert cut.value.tolist() == inside.tolist()
    assert cut.wall is not None
    assert cut.order.tolist() == cut.step.tolist() == cut.wall.tolist() == steps[inside].tolist()


def test_row_at_takes_the_last_writing() -> None:
    assert row_at(series(0, 1, 2, 1, 2), 1) == 3
    assert row_at(series(0, 1, 2), 7) is None


def test_row_before() -> None:
    assert row_before(series(0, 10, 20), 20) == 1
    assert row_before(series(0, 10, 20), 15) == 1
    assert row_before(series(5, 10), 5) is None
