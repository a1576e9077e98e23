"""Event files, whole and damaged, read as a slow and plain reader reads them."""

from __future__ import annotations

import io
import struct
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2

from gradcheck.readers.byte_source import SeekableFile
from gradcheck.readers.event_file import EventFile, read_events
from tests.readers import event_oracle
from tests.readers.event_writers import event, framed, keras_scalar, scalar, tensor

WINDOWS = [13, 64, 300, 1 << 20]
FLOATS = st.floats(width=32)
TAGS = st.sampled_from(["loss", "lr", "train/loss", "ä" * 70, "x" * 200, ""])
STEPS = st.one_of(
    st.integers(0, 300), st.sampled_from([-1, -(2**63), 2**62, 2**55, 2**56, 2**63 - 1])
)


def found_in(data: bytes, **options: Any) -> EventFile:
    return read_events(SeekableFile(io.BytesIO(data)), **options)


def compare(data: bytes, **options: Any) -> EventFile:
    found = found_in(data, **options)
    expected = event_oracle.read(data, verify=options.get("verify", False))
    if expected.doubtful:
        assert len(found.walls) >= len(expected.walls)
        return found
    np.testing.assert_equal(event_oracle.points(found), expected.points)
    np.testing.assert_equal(found.walls.tolist(), expected.walls)
    assert sum(found.skipped.values()) == sum(expected.skipped.values())
    assert found.lost == tuple(expected.lost)
    return found


def new_style(tag: str, value: float) -> Any:
    found = tensor(tag, dtype=types_pb2.DT_FLOAT, float_val=[value])
    found.metadata.plugin_data.plugin_name = "scalars"
    found.metadata.display_name = "a name"
    return found


def double(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_DOUBLE, double_val=[value])


def named(tag: str, value: float) -> Any:
    return summary_pb2.Summary.Value(tag=tag, node_name="node", simple_value=value)


def integer(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_INT32, int_val=[3])


def long(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_INT64, tensor_content=struct.pack("<q", -7))


def half(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_HALF, tensor_content=b"\x00\x3c")


def brain(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_BFLOAT16, tensor_content=b"\x49\x40")


def boolean(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_BOOL, tensor_content=b"\x01")


def nothing(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_FLOAT)


def vector(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_FLOAT, float_val=[value] * 9)


def raw_vector(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_FLOAT, tensor_content=bytes(4000))


def shaped(tag: str, value: float) -> Any:
    found = keras_scalar(tag, value)
    found.tensor.tensor_shape.dim.add(size=1)
    return found


def empty_shape(tag: str, value: float) -> Any:
    found = keras_scalar(tag, value)
    found.tensor.tensor_shape.dim.add(size=2)
    return found


def text(tag: str, value: float) -> Any:
    found = tensor(tag, dtype=types_pb2.DT_STRING, string_val=[b"a", framed(b"nested") * 3])
    found.metadata.plugin_data.plugin_name = "text"
    return found


def image(tag: str, value: float) -> Any:
    return summary_pb2.Summary.Value(tag=tag, image={"encoded_image_string": bytes(5000)})


def histogram(tag: str, value: float) -> Any:
    return summary_pb2.Summary.Value(tag=tag, histo={"bucket": [1.0, 2.0], "min": value})


def metadata_only(tag: str, value: float) -> Any:
    found = summary_pb2.Summary.Value(tag=tag)
    found.metadata.plugin_data.plugin_name = "custom_scalars"
    return found


SCALARS = [scalar, keras_scalar, new_style, double, named, integer, long, half, brain, boolean,
           nothing, shaped]  # fmt: skip
OTHERS = [vector, raw_vector, empty_shape, text, image, histogram, metadata_only]


def reversed_fields(step: int, *values: Any, wall: float) -> bytes:
    """The fields of an event in the opposite order."""
    parts = [
        event_pb2.Event(summary=summary_pb2.Summary(value=values)),
        event_pb2.Event(step=step),
        event_pb2.Event(wall_time=wall),
    ]
    return framed(b"".join(part.SerializeToString() for part in parts))


def doubled_summary(step: int, *values: Any, wall: float) -> bytes:
    """Valid, and joined by protobuf."""
    once = event_pb2.Event(summary=summary_pb2.Summary(value=values)).SerializeToString()
    return framed(event_pb2.Event(step=step, wall_time=wall).SerializeToString() + 2 * once)


VALUES = st.builds(
    lambda make, tag, value: make(tag, value), st.sampled_from(SCALARS + OTHERS), TAGS, FLOATS
)
EVENTS = st.one_of(
    st.builds(
        lambda write, step, values, wall: write(step, *values, wall=wall),
        st.sampled_from([event, event, event, reversed_fields, doubled_summary]),
        STEPS,
        st.lists(VALUES, min_size=1, max_size=3),
        st.sampled_from([0.0, 1.7e9, 1.7e9 + 1e-3]),
    ),
    st.builds(lambda n, tag: event(n, scalar(tag, n), wall=1.7e9), st.integers(0, 300), TAGS),
    st.sampled_from(
        [
            framed(b""),
            framed(event_pb2.Event(wall_time=1.0, step=3).SerializeToString()),
            framed(event_pb2.Event(graph_def=bytes(5000)).SerializeToString()),
            framed(b"\xff\xff no event"),
        ]
    ),
)
FILES = st.lists(EVENTS, max_size=12).flatmap(
    lambda records: (
        st.builds(
            lambda some, times: some * times,
            st.lists(st.sampled_from(records), max_size=40),
            st.sampled_from([1, 1, 4]),
        )
        if records
        else st.just([])
    )
)


@settings(max_examples=60, deadline=None)
@given(FILES, st.sampled_from(WINDOWS), st.booleans())
def test_any_mix_of_events(records: list[bytes], window: int, verify: bool) -> None:
    assert compare(b"".join(records), window=window, verify=verify).lost == tuple(
        event_oracle.read(b"".join(records)).lost
    )


class Damaged(NamedTuple):
    data: bytes
    records: list[bytes]
    """Those that were written."""
    intact: list[bytes]
    """Those that no accident touched."""


@st.composite
def damaged_files(draw: st.DrawFn) -> Damaged:
    """A file after some accidents, and the records that none of them touched."""
    records = draw(FILES.filter(bool))
    data = bytearray(b"".join(records))
    owner = np.repeat(np.arange(len(records)), [len(record) for record in records])
    touched: set[int] = set()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        stop = min(len(data), start + draw(st.sampled_from([1, 2, 10, 45, 200, 2000])))
        kind = draw(st.sampled_from(["delete", "zero", "noise", "insert", "flip", "cut"]))
        hit = owner[start : len(data) if kind == "cut" else stop].tolist()
        if kind == "insert" and 0 < start < len(data) and owner[start - 1] == owner[start]:
            hit = [owner[start]]
        elif kind == "insert":
            hit = []
        touched.update(hit)
        new = {
            "zero": bytes(stop - start),
            "noise": draw(st.binary(min_size=stop - start, max_size=stop - start)),
            "insert": draw(st.binary(max_size=40)),
            "flip": bytes(byte ^ 4 for byte in data[start:stop]),
        }.get(kind, b"")
        end = {"insert": start, "cut": len(data)}.get(kind, stop)
        data[start:end] = new
        owner = np.concatenate([owner[:start], np.full(len(new), -1), owner[end:]])
    intact = [record for n, record in enumerate(records) if n not in touched]
    return Damaged(bytes(data), records, intact)


@settings(max_examples=100, deadline=None)
@given(damaged_files(), st.sampled_from(WINDOWS))
def test_any_damage(file: Damaged, window: int) -> None:
    compare(file.data, window=window)


@settings(max_examples=100, deadline=None)
@given(damaged_files(), st.sampled_from(WINDOWS))
def test_verified_files_hold_what_was_written_and_not_touched(file: Damaged, window: int) -> None:
    pytest.importorskip("google_crc32c")
    found = counted(event_oracle.points(compare(file.data, window=window, verify=True)))
    assert counted(event_oracle.read(b"".join(file.intact)).points) <= found
    assert found <= counted(event_oracle.read(b"".join(file.records)).points)


def counted(points: dict[str, list[event_oracle.Point]]) -> Counter[tuple[str, ...]]:
    """How often each point occurs, whatever the number of its record."""
    return Counter((tag, *map(repr, point[1:])) for tag, every in points.items() for point in every)
