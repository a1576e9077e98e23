"""A bad row of a batch is found in the user's own data by its values, or not at all."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gradcheck.watch import sources


def made(bad: tuple[int, ...] = (11,)) -> Tensor:
    found = torch.arange(60.0).reshape(20, 3)
    for row in bad:
        found[row, 1] = math.nan
    return found


def test_a_tensor_in_a_variable() -> None:
    table = made()
    batch = table[[3, 11, 5]].clone()
    assert sources.samples(batch, [1]) == (11,)


def test_double_precision_in_numpy() -> None:
    table = made().numpy().astype(np.float64)
    batch = torch.from_numpy(table[[3, 11]]).float()
    assert sources.samples(batch, [1]) == (11,)
    assert table.shape == (20, 3)


class Holder:
    def __init__(self, held: Any) -> None:
        self.held = held


@pytest.mark.parametrize("wrap", [Holder, lambda t: (t, 1), lambda t: [t], lambda t: {"x": t}])
def test_one_level_down(wrap: Any) -> None:
    batch = made()[[11, 2]]
    holder = wrap(made())
    assert sources.samples(batch, [0]) == (11,)
    assert holder is not None


def test_several_rows() -> None:
    table = made((4, 11))
    batch = table[[11, 0, 4]].clone()
    assert sources.samples(batch, [0, 2]) == (4, 11)


def test_nothing_is_guessed_where_two_rows_are_alike() -> None:
    table = made((4, 11))
    table[4] = table[11]
    batch = table[[11]].clone()
    assert sources.samples(batch, [0]) == ()


def test_nothing_where_the_row_was_changed() -> None:
    table = made()
    batch = table[[11]] * 2
    assert sources.samples(batch, [0]) == ()


def test_nothing_where_the_table_is_no_longer_than_the_batch() -> None:
    batch = made()
    same = batch.clone()
    assert sources.samples(batch, [11]) == ()
    assert len(same) == len(batch)


def test_nothing_of_other_shapes_and_kinds() -> None:
    batch = made()[[11]]
    tables = (torch.zeros(9, 4), np.zeros((9, 3), dtype=np.int64), np.zeros((9, 3), dtype="O"))
    assert sources.samples(batch, [0]) == ()
    assert len(tables) == 3


def test_odd_batches() -> None:
    table = made()
    assert sources.samples(torch.tensor(math.nan), [0]) == ()
    assert sources.samples(table[[11]].long(), [0]) == ()
    assert sources.samples(table[[11]], []) == ()


class Hostile:
    """What a user's variable may be."""

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("not now")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("never")

    __hash__ = None  # type: ignore[assignment]


def test_a_variable_that_will_not_be_looked_at() -> None:
    hostile, table = Hostile(), made()
    batch = table[[11]].clone()
    assert sources.samples(batch, [0]) == (11,)
    assert hostile is not None
