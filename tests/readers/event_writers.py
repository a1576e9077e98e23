"""Writes event files with the real writers, and reads them with TensorBoard's own reader."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.util import tensor_util


def torch_writer(directory: Path, **options: Any) -> Any:
    return importlib.import_module("torch.utils.tensorboard").SummaryWriter(directory, **options)


def tensorboardx_writer(directory: Path) -> Any:
    return importlib.import_module("tensorboardX").SummaryWriter(directory)


def only_file(directory: Path) -> Path:
    (file,) = (path for path in directory.iterdir() if "tfevents" in path.name)
    return file


def framed(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    crcs = struct.pack("<I", masked_crc32c(length)), struct.pack("<I", masked_crc32c(payload))
    return length + crcs[0] + payload + crcs[1]


def scalar(tag: str, value: float) -> Any:
    return summary_pb2.Summary.Value(tag=tag, simple_value=value)


def keras_scalar(tag: str, value: float) -> Any:
    """A scalar as tf.summary.scalar writes it: a tensor with its bytes in tensor_content."""
    tensor = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_FLOAT, tensor_content=struct.pack("<f", value)
    )
    found = summary_pb2.Summary.Value(tag=tag, tensor=tensor)
    found.metadata.plugin_data.plugin_name = "scalars"
    return found


def tensor(tag: str, **fields: Any) -> Any:
    return summary_pb2.Summary.Value(tag=tag, tensor=tensor_pb2.TensorProto(**fields))


def event(step: int, *values: Any, wall: float = 0.0) -> bytes:
    summary = summary_pb2.Summary(value=values)
    found = event_pb2.Event(step=step, wall_time=wall, summary=summary)
    return framed(bytes(found.SerializeToString()))


def losses(values: Iterable[float], tag: str = "loss") -> list[bytes]:
    return [event(step, scalar(tag, value), wall=step) for step, value in enumerate(values)]


def write_events(file: Path, records: Iterable[bytes]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    version = framed(bytes(event_pb2.Event(file_version="brain.Event:2").SerializeToString()))
    file.write_bytes(version + b"".join(records))
    return file


def accumulated(path: Path) -> Mapping[str, list[tuple[int, float, float]]]:
    """Every point that TensorBoard finds at a path: step, wall time and value by tag."""
    sizes = {event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0}
    reader = event_accumulator.EventAccumulator(
        str(path), size_guidance=sizes, purge_orphaned_data=False
    )
    reader.Reload()
    points = {
        tag: [(e.step, e.wall_time, e.value) for e in reader.Scalars(tag)]
        for tag in reader.Tags()["scalars"]
    }
    for tag in reader.Tags()["tensors"]:
        found = [
            (e.step, e.wall_time, tensor_util.make_ndarray(e.tensor_proto))
            for e in reader.Tensors(tag)
        ]
        if all(value.size == 1 and value.dtype.kind == "f" for _, _, value in found):
            points[tag] = [(step, wall, float(value.item())) for step, wall, value in found]
    return points
