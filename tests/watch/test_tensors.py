"""Norms, ranges and names of tensors, beside plain references."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections import UserDict
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gradcheck.watch import tensors

NUMBERS = st.floats(-1e6, 1e6, width=32)
LISTS = st.lists(st.lists(NUMBERS, min_size=0, max_size=5), min_size=1, max_size=4)


def reference(held: list[Tensor]) -> float:
    return math.sqrt(math.fsum(float(x) ** 2 for t in held for x in t.double().flatten()))


def sparse(places: list[int], values: list[float]) -> Tensor:
    with torch.sparse.check_sparse_tensor_invariants():
        return torch.sparse_coo_tensor(torch.tensor([places]), torch.tensor(values), (5,))


@given(LISTS)
@settings(max_examples=60, deadline=None)
def test_the_norm_of_all(values: list[list[float]]) -> None:
    held = [torch.tensor(one, dtype=torch.float32) for one in values]
    total, each = tensors.total_norm(held)
    assert total == pytest.approx(reference(held), rel=1e-5, abs=1e-30)
    assert each == pytest.approx([reference([t]) for t in held], rel=1e-5, abs=1e-30)


@pytest.mark.parametrize("size", [1e-44, 1e-30, 2.5e-21, 1e-19])
def test_what_is_too_small_to_be_squared_is_no_zero(size: float) -> None:
    tiny, zero = torch.tensor([0.0, size]), torch.zeros(3)
    total, each = tensors.total_norm([tiny, zero])
    assert total == each[0] == pytest.approx(float(tiny[1]), rel=1e-6)
    assert each[1] == 0.0
    assert tensors.total_norm([torch.ones(1), tiny])[1][1] == pytest.approx(float(tiny[1]))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_precision(kind: torch.dtype) -> None:
    held = [torch.full((300, 300), 30.0, dtype=kind), torch.ones(3, dtype=kind)]
    total, _ = tensors.total_norm(held, half=kind in tensors.HALF)
    assert total == pytest.approx(reference(held[:1]), rel=1e-3)


def test_half_beside_single_precision() -> None:
    held = [torch.full((4,), 6e4, dtype=torch.float16), torch.ones(4)]
    total, each = tensors.total_norm(held, half=True)
    assert total == pytest.approx(12e4, rel=1e-3)
    assert len(each) == 2


@pytest.mark.parametrize(
    ("size", "kind"), [(3e38, torch.float32), (1e30, torch.float32), (1e300, torch.float64)]
)
def test_only_the_sum_of_squares_overflows(size: float, kind: torch.dtype) -> None:
    total, each = tensors.total_norm([torch.full((4,), size, dtype=kind), torch.ones(2).to(kind)])
    assert total == pytest.approx(2 * size, rel=1e-5)
    assert each[1] == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [torch.float16, torch.float32, torch.float64, torch.complex64])
def test_what_is_not_finite(bad: float, kind: torch.dtype) -> None:
    held = [torch.ones(3, dtype=kind), torch.tensor([1.0, bad], dtype=kind)]
    total, _ = tensors.total_norm(held, half=kind in tensors.HALF)
    assert not math.isfinite(total)
    assert not tensors.all_finite(held)
    assert tensors.all_finite(held[:1])


def test_complex_numbers() -> None:
    held = [torch.tensor([3 + 4j, 0j])]
    assert tensors.total_norm(held)[0] == pytest.approx(5.0)
    assert tensors.total_norm([held[0] * 1e30])[0] == pytest.approx(5e30)


def test_sparse_gradients() -> None:
    held = sparse([0, 2, 2], [3.0, 2.0, 2.0])
    total, each = tensors.total_norm([held, torch.zeros(2)])
    assert (total, each) == (5.0, [5.0, 0.0])
    assert tensors.all_finite([held])
    assert not tensors.all_finite([sparse([0, 1], [1.0, math.nan])])
    assert math.isnan(tensors.total_norm([sparse([0, 1], [1.0, math.nan])])[0])


def test_nothing_has_no_norm() -> None:
    assert tensors.total_norm([]) == (0.0, [])
    assert tensors.total_norm([torch.zeros(0)])[0] == 0.0


@given(st.lists(st.floats(width=32), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None)
def test_extent(values: list[float]) -> None:
    found = tensors.extent(torch.tensor(values, dtype=torch.float32))
    assert found is not None
    finite = [value for value in values if math.isfinite(value)]
    assert found.nonfinite == len(values) - len(finite)
    assert found.shape == (len(values),)
    if finite:
        assert (found.low, found.high) == (min(finite), max(finite))
        assert found.largest == max(map(abs, finite))


@pytest.mark.parametrize(
    "odd",
    [
        torch.zeros(0),
        torch.tensor([True]),
        torch.tensor([1j]),
        sparse([0], [1.0]),
    ],
    ids=["empty", "bool", "complex", "sparse"],
)
def test_what_has_no_extent(odd: Tensor) -> None:
    assert tensors.extent(odd) is None


@pytest.mark.parametrize("kind", [torch.int8, torch.int64, torch.uint8, torch.bfloat16])
def test_extent_of_other_kinds(kind: torch.dtype) -> None:
    found = tensors.extent(torch.tensor([[3, 100], [7, 0]], dtype=kind))
    assert found == tensors.Extent(0.0, 100.0, 0, str(kind).removeprefix("torch."), (2, 2))


def test_rows_that_are_not_finite() -> None:
    table = torch.zeros(5, 2, 3)
    table[1, 1, 2], table[4] = math.nan, math.inf
    assert tensors.nonfinite_rows(table) == [1, 4]
    assert tensors.nonfinite_rows(torch.tensor(math.nan)) == [0]
    assert tensors.nonfinite_rows(torch.tensor(1.0)) == []


@dataclass
class Pair:
    left: Tensor
    right: Any


def test_tensors_within_anything() -> None:
    one, two = torch.zeros(1), torch.zeros(2)
    batch = UserDict({"x": one, "more": [Pair(two, "text"), (one,)], "none": None, "n": 3})
    found = [(name, len(t)) for name, t in tensors.named(batch)]
    assert found == [("x", 1), ("more.0.left", 2), ("more.1.0", 1)]


def test_what_holds_itself_ends() -> None:
    loop: list[Any] = [torch.zeros(1)]
    loop.append(loop)
    assert 1 <= len(list(tensors.named(loop))) <= 10


@pytest.mark.parametrize(
    ("name", "place", "of", "target"),
    [
        ("0", 0, 2, False), ("1", 1, 2, True), ("2", 2, 3, True), ("", 0, 1, False),
        ("labels", 0, 1, True), ("target_ids", 0, 3, True), ("input_ids", 2, 3, False),
        ("attention_mask", 2, 3, False), ("x", 0, 2, False), ("y", 0, 2, True),
        ("batch.labels", 1, 3, True),
    ],
)  # fmt: skip
def test_targets_are_told_by_name_else_place(name: str, place: int, of: int, target: bool) -> None:
    assert tensors.is_target(name, place, of) is target
