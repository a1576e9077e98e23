"""Nested values go through JSON and safetensors exactly, and nothing else comes out."""

from __future__ import annotations

import dataclasses
import json
import math
from collections import OrderedDict, namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.torch import load_file, save_file
from torch import Tensor

from gradcheck.watch.capture import fitting
from gradcheck.watch.capture.nested import DEEPEST, LEFT, Damaged, Reader, Writer, without_left

DTYPES = (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16,
    torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128,
    torch.float8_e4m3fn,
)  # fmt: skip


KINDS = (
    "tensor", "array", "dict", "tuple", "set", "float", "complex", "bytes", "scalar", "fields",
    "as", "shape", "order", "dtype",
)  # fmt: skip


def round_trip(value: Any, folder: Path) -> Any:
    writer = Writer()
    told = json.dumps(writer.encode(value), allow_nan=False)
    assert writer.left_out == []
    save_file(writer.tensors, folder / "t.safetensors")
    return Reader(load_file(folder / "t.safetensors")).decode(json.loads(told))


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit, types included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Tensor):
        fits = one.dtype == other.dtype and one.shape == other.shape
        return bool(fits) and _bits(one) == _bits(other)
    if isinstance(one, np.ndarray):
        kinds = one.dtype == other.dtype and one.shape == other.shape
        return bool(kinds) and bytes(one.tobytes()) == bytes(other.tobytes())
    if isinstance(one, dict):
        return bool(list(one) == list(other)) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return bool(one.hex() == other.hex())
    return bool(one == other)


def _bits(held: Tensor) -> bytes:
    data: bytes = held.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return data


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=4))
    dtype = draw(st.sampled_from(DTYPES))
    count = math.prod(shape)
    size = torch.empty(0, dtype=dtype).element_size()
    data = bytearray(draw(st.binary(min_size=count * size, max_size=count * size)))
    if dtype is torch.bool:
        data = bytearray(byte & 1 for byte in data)
    flat = torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(0, dtype=torch.uint8)
    held = flat.view(dtype).reshape(shape)
    return held.transpose(0, -1) if len(shape) > 1 and draw(st.booleans()) else held


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary(max_size=9)
    | st.complex_numbers(allow_nan=False)
)
ARRAYS = arrays(st.sampled_from(["<f4", "<i8", "|u1", ">i2", "<u4"]), st.integers(0, 3))
KEYS = st.text() | st.integers() | st.tuples(st.integers(), st.text())
VALUES = st.recursive(
    SCALARS | tensors() | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_whatever_is_nested_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, value: Any
) -> None:
    assert same(round_trip(value, tmp_path_factory.mktemp("t")), value)


def test_what_shares_memory_does_so_again(tmp_path: Path) -> None:
    tied = torch.randn(3, 4)
    found = round_trip({"head": tied, "table": tied, "rows": tied[:2]}, tmp_path)
    assert found["head"] is found["table"]
    assert torch.equal(found["rows"], tied[:2])


def test_the_order_in_memory_is_kept(tmp_path: Path) -> None:
    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert round_trip(image, tmp_path).stride() == image.stride()
    assert round_trip(torch.ones(1, 3).expand(4, 3), tmp_path).tolist() == [[1, 1, 1]] * 4


def test_the_state_of_an_optimizer_comes_back(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.randn(4, dtype=torch.bfloat16))
    optimizer = torch.optim.Adam([weight], betas=(0.8, 0.99), amsgrad=True)
    weight.grad = torch.randn(4).bfloat16()
    optimizer.step()
    kept = optimizer.state_dict()
    assert same(round_trip(kept, tmp_path), kept)


def test_what_cannot_be_stored_is_named_and_left() -> None:
    writer = Writer()
    told = writer.encode({"image": open, "size": 3, "of": [object(), 1]}, "batch")
    assert writer.left_out == [
        "batch['image'] (builtins.builtin_function_or_method)",
        "batch['of'][0] (builtins.object)",
    ]
    found = Reader({}).decode(told)
    assert found["image"] is LEFT
    assert without_left(found) == {"size": 3, "of": [None, 1]}


def test_a_cycle_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    writer = Writer()
    writer.encode(loop)
    assert len(writer.left_out) == 1
    assert writer.left_out[0].count("[0]") == DEEPEST


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4) | st.floats(allow_nan=False),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(KINDS),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )
)
def test_hostile_json_is_refused_or_a_value(told: Any) -> None:
    reader = Reader({"t0": torch.zeros(4, dtype=torch.uint8)})
    try:
        reader.decode(told)
    except Damaged as error:
        assert "\n" not in str(error)


Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Example:
    x: Tensor
    name: str
    image: Any = None


def test_a_batch_takes_the_containers_of_the_loader() -> None:
    one, other = torch.ones(2), torch.zeros(3)
    assert same(fitting.batch((one, one), Pair(other, other)), Pair(one, one))
    found = fitting.batch({"x": one, "name": "a", "image": LEFT}, Example(other, "b", open))
    assert (found.name, found.image) == ("a", open)
    assert torch.equal(found.x, one)
    ordered = fitting.batch({"a": one}, OrderedDict(a=other))
    assert type(ordered) is OrderedDict
    assert torch.equal(ordered["a"], one)
    assert fitting.batch(["x", "y", "z"], ["a", "b"], "batch['names']") == ["x", "y", "z"]


@pytest.mark.parametrize(
    ("mine", "template", "said"),
    [
        (torch.ones(2), {"a": 1}, "a Tensor, that of the script's loader a dict"),
        ({"a": 1}, {"b": 1}, "differ in 'a', 'b'"),
        ((1, 2, 3), (1, 2), "has 3 parts, that of the script's loader 2"),
        ({"a": [1]}, {"a": torch.ones(1)}, "a list, that of the script's loader a Tensor"),
    ],
)
def test_another_nesting_is_refused(mine: Any, template: Any, said: str) -> None:
    with pytest.raises(fitting.Misfit, match=said):
        fitting.batch(mine, template)
