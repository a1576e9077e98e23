"""A grid of characters: where a point falls, that a curve has no gap, that labels do not touch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.reports.character_grid import CharacterGrid, place_labels


def grid_with(across: list[float], down: list[float], columns: int = 4, rows: int = 2) -> list[str]:
    grid = CharacterGrid(columns, rows)
    grid.curve(np.array(across), np.array(down))
    return grid.lines()


def dots(lines: list[str]) -> set[tuple[int, int]]:
    """Column and row of every dot set, two and four to a character."""
    bits = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3)]
    return {
        (2 * column + x, 4 * row + y)
        for row, line in enumerate(lines)
        for column, character in enumerate(line)
        if character != " "
        for bit, (x, y) in enumerate(bits)
        if (ord(character) - 0x2800) >> bit & 1
    }


def test_a_point_is_one_dot_in_the_middle_of_its_cell() -> None:
    assert dots(grid_with([0.0], [0.0])) == {(1, 2)}
    assert dots(grid_with([1.0], [1.0])) == {(6, 5)}


def test_a_level_line() -> None:
    assert grid_with([0.0, 1.0], [0.0, 0.0]) == ["⠠⠤⠤⠄", "    "]


def test_an_upright_line() -> None:
    assert dots(grid_with([0.0, 0.0], [0.0, 1.0])) == {(1, row) for row in range(2, 6)}


def test_a_second_curve_hides_only_its_own_cells() -> None:
    grid = CharacterGrid(3, 1)
    grid.rule(0.5, "┊")
    grid.points(np.array([0.0]), np.array([0.0]), "×")
    assert grid.lines() == ["×┊ "]
    grid.curve(np.array([0.5]), np.array([0.0]))
    assert grid.lines()[0][0] == "×"
    assert dots([grid.lines()[0][1:2]])


shares = st.floats(0, 1)


@given(st.lists(st.tuples(shares, shares), min_size=1, max_size=20), st.integers(1, 60))
def test_a_curve_has_no_gap_and_reaches_its_points(
    points: list[tuple[float, float]], columns: int
) -> None:
    across, down = (list(column) for column in zip(*points, strict=True))
    lines = grid_with(across, down, columns, rows=5)
    assert [len(line) for line in lines] == [columns] * 5
    drawn = dots(lines)
    for x, y in points:
        assert dots(grid_with([x], [y], columns, rows=5)) <= drawn
    reached, edge = set(), [next(iter(drawn))]
    while edge:
        x, y = edge.pop()
        reached.add((x, y))
        near = {(x + i, y + j) for i in (-1, 0, 1) for j in (-1, 0, 1)}
        edge += near & drawn - reached
    assert reached == drawn


@pytest.mark.parametrize(
    ("ticks", "width", "line", "placed"),
    [
        ([(4, "123")], 9, "   123   ", [4]),
        ([(0, "123")], 9, "123      ", [0]),
        ([(8, "123")], 9, "      123", [8]),
        ([(4, "1234")], 9, "   1234  ", [4]),
        ([(1, "1"), (3, "123")], 9, " 1 123   ", [1, 3]),
        ([(1, "12"), (2, "3")], 9, " 12      ", [1]),
        ([(1, "1234")], 3, "   ", []),
    ],
)
def test_labels_find_room(
    ticks: list[tuple[int, str]], width: int, line: str, placed: list[int]
) -> None:
    assert place_labels(ticks, width) == (line, placed)
