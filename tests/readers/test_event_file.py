"""Event files: every point of the real writers, and damage that costs no more than it must."""

from __future__ import annotations

import io
import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2, types_pb2

from gradcheck.readers import event_file
from gradcheck.readers.byte_source import SeekableFile
from gradcheck.readers.event_file import EventFile
from tests.readers.event_writers import (
    accumulated,
    event,
    framed,
    keras_scalar,
    losses,
    only_file,
    scalar,
    tensor,
    tensorboardx_writer,
    torch_writer,
    write_events,
)


def read_events(data: bytes, **options: Any) -> EventFile:
    return event_file.read_events(SeekableFile(io.BytesIO(data)), **options)


def points(found: EventFile) -> dict[str, list[tuple[int, float, float]]]:
    return {
        tag: list(zip(c.step.tolist(), c.wall.tolist(), c.value.tolist(), strict=True))
        for tag, c in found.columns.items()
    }


def values(found: EventFile, tag: str = "loss") -> list[float]:
    return found.columns[tag].value.tolist() if tag in found.columns else []


def assert_same_as_tensorboard(file: Path) -> EventFile:
    found = read_events(file.read_bytes())
    np.testing.assert_equal(points(found), accumulated(file))
    assert found.lost == ()
    return found


@pytest.mark.parametrize(
    "options", [{}, {"new_style": True}, {"double_precision": True}], ids=lambda o: str(o)
)
def test_torch_writer(tmp_path: Path, options: dict[str, bool]) -> None:
    writer = torch_writer(tmp_path)
    for step in range(50):
        writer.add_scalar("loss", math.exp(-step / 9), step, **options)
        if step % 5 == 0:
            writer.add_scalar(
                "val/loss", [math.nan, math.inf, -math.inf][step % 3], step, **options
            )
            writer.add_histogram("weights", np.arange(9.0), step)
            writer.add_image("picture", np.zeros((3, 4, 4)), step)
        if step == 30:  # a restart writes older steps again
            writer.add_scalar("loss", 7.0, 10, **options)
    writer.add_text("note", "hello")
    writer.close()
    found = assert_same_as_tensorboard(only_file(tmp_path))
    assert len(found.columns["loss"].step) == 51
    assert found.skipped == {"histogram": 1, "image": 1, "text": 1}


def test_tensorboardx_writer(tmp_path: Path) -> None:
    writer = tensorboardx_writer(tmp_path)
    for step in (0, 1, 2**40, 3):
        writer.add_scalar("lr", 1 / (step + 1), step)
    writer.close()
    assert_same_as_tensorboard(only_file(tmp_path))


def test_hyperparameters_of_torch(tmp_path: Path) -> None:
    writer = torch_writer(tmp_path)
    writer.add_hparams(
        {"lr": 0.1, "name": "adam", "nested": True}, {"hparam/loss": 1.0}, run_name="h"
    )
    writer.close()
    found = read_events(only_file(tmp_path / "h").read_bytes())
    assert found.hparams == {"lr": 0.1, "name": "adam", "nested": True}
    assert list(found.columns) == ["hparam/loss"]


def test_keras_layout(tmp_path: Path) -> None:
    records = [event(n, keras_scalar("epoch_loss", 1 / (n + 1)), wall=n) for n in range(20)]
    found = assert_same_as_tensorboard(write_events(tmp_path / "events.out.tfevents.1.v2", records))
    assert len(found.columns["epoch_loss"].value) == 20


def test_several_values_in_one_record(tmp_path: Path) -> None:
    records = [event(n, scalar("loss", n), scalar("lr", 0.1), wall=n) for n in range(3)]
    found = assert_same_as_tensorboard(write_events(tmp_path / "a.tfevents", records))
    assert found.columns["loss"].record.tolist() == found.columns["lr"].record.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"dtype": types_pb2.DT_FLOAT, "float_val": [0.5]}, 0.5),
        ({"dtype": types_pb2.DT_DOUBLE, "double_val": [1e300]}, 1e300),
        ({"dtype": types_pb2.DT_DOUBLE, "tensor_content": struct.pack("<d", 0.1)}, 0.1),
        ({"dtype": types_pb2.DT_HALF, "half_val": [0x3C00]}, 1.0),
        ({"dtype": types_pb2.DT_HALF, "tensor_content": b"\x00\x7c"}, math.inf),
        ({"dtype": types_pb2.DT_BFLOAT16, "half_val": [0x4049]}, 3.140625),
        ({"dtype": types_pb2.DT_BFLOAT16, "tensor_content": b"\xc0\x7f"}, math.nan),
        ({"dtype": types_pb2.DT_INT32, "int_val": [-3]}, -3.0),
        ({"dtype": types_pb2.DT_INT64, "tensor_content": struct.pack("<q", 2**40)}, 2.0**40),
        ({"dtype": types_pb2.DT_UINT8, "tensor_content": b"\xff"}, 255.0),
        ({"dtype": types_pb2.DT_BOOL, "bool_val": [True]}, 1.0),
        ({"dtype": types_pb2.DT_FLOAT}, 0.0),
    ],
)
def test_tensor_scalars(fields: dict[str, Any], expected: float) -> None:
    found = read_events(event(1, tensor("x", **fields)))
    np.testing.assert_equal(values(found, "x"), [expected])


@pytest.mark.parametrize(
    "fields",
    [
        {"dtype": types_pb2.DT_STRING, "string_val": [b"text"]},
        {"dtype": types_pb2.DT_FLOAT, "float_val": [1.0, 2.0]},
        {"dtype": types_pb2.DT_FLOAT, "tensor_content": bytes(8)},
    ],
)
def test_other_tensors_are_counted(fields: dict[str, Any]) -> None:
    found = read_events(event(1, tensor("x", **fields)))
    assert (found.columns, found.skipped) == ({}, {"tensor": 1})


def test_a_last_record_cut_anywhere_is_normal() -> None:
    whole = losses([1.0, 2.0, 3.0])
    data = b"".join(whole)
    for size in range(len(data) - len(whole[-1]), len(data)):
        found = read_events(data[:size])
        assert (values(found), found.lost) == ([1.0, 2.0], ()), size


def test_a_broken_header_loses_one_record() -> None:
    records = losses(range(100))
    start = len(b"".join(records[:50]))
    data = bytearray(b"".join(records))
    data[start + 3] ^= 0xFF
    found = read_events(bytes(data))
    assert values(found) == [n for n in range(100) if n != 50]
    assert found.lost == ((start, start + len(records[50])),)


def test_a_hole_inside_a_record_does_not_swallow_the_next() -> None:
    records = losses(range(100))
    start = len(b"".join(records[:50]))
    data = b"".join(records)
    found = read_events(data[: start + 20] + data[start + 30 :])
    assert values(found) == [n for n in range(100) if n != 50]
    assert found.lost == ((start, start + len(records[50]) - 10),)


def test_a_lost_block_loses_the_records_it_touches() -> None:
    data = b"".join(losses(range(1000)))
    found = read_events(data[:10_000] + data[20_000:])
    kept = values(found)
    size = len(data) / 1000
    assert kept == sorted(kept)
    assert len(kept) >= 1000 - 10_000 / size - 2
    assert len(found.lost) == 1


def test_zeros_in_the_middle_and_at_the_end() -> None:
    first, second = b"".join(losses([1.0, 2.0])), b"".join(losses([3.0]))
    found = read_events(first + bytes(500) + second + bytes(500))
    assert values(found) == [1.0, 2.0, 3.0]
    assert found.lost == (
        (len(first), len(first) + 500),
        (len(first) + 500 + len(second), len(first) + 1000 + len(second)),
    )


def test_a_payload_that_is_no_event_is_lost_alone() -> None:
    records = losses([1.0, 2.0, 3.0])
    broken = bytearray(records[1])
    broken[12:16] = b"\xff\xff\xff\xff"
    found = read_events(records[0] + bytes(broken) + records[2])
    assert values(found) == [1.0, 3.0]
    assert len(found.lost) == 1


def test_graphs_are_counted() -> None:
    graph = event_pb2.Event(graph_def=b"graph")
    assert read_events(framed(bytes(graph.SerializeToString()))).skipped == {"graph": 1}


@pytest.mark.parametrize("data", [b"", b"\0", b"not an event file at all, but a long enough text"])
def test_no_events(data: bytes) -> None:
    assert read_events(data).columns == {}


def test_importing_the_readers_imports_nothing_heavy() -> None:
    code = (
        "import sys, gradcheck.loading, gradcheck.plugins\n"
        "gradcheck.plugins.collect('readers', 'READER')\n"
        "assert not {'tensorboard', 'pandas', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
