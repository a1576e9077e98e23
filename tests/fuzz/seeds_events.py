"""Event files: scalars of every spelling, several values in a record, and what is no scalar."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from tensorboard.compat.proto import event_pb2, summary_pb2, types_pb2

from tests.fuzz.seeds import Point, Record, Seed
from tests.readers.event_writers import framed, keras_scalar, scalar, tensor

_SAMPLES = Path(__file__).parents[2] / "sample_logs"
_LARGEST_SAMPLE = 26_000


def seeds() -> Iterator[Seed]:
    """Logs of several writers, and the smaller sample logs."""
    for number, (spell, tags) in enumerate(_SHAPES):
        yield _seed(f"events.out.tfevents.{number}", spell, tags, Random(number))
    for file in sorted(_SAMPLES.glob("**/*tfevents*")):
        if file.stat().st_size < _LARGEST_SAMPLE:
            yield _of_sample(file)


def _seed(name: str, spell: Callable[..., Any], tags: tuple[str, ...], random: Random) -> Seed:
    data = framed(bytes(event_pb2.Event(file_version="brain.Event:2").SerializeToString()))
    records = []
    for step in range(0, 10 * random.randint(12, 40), 10):
        values = {tag: _value(random) for tag in tags}
        summary = summary_pb2.Summary(value=[spell(tag, one) for tag, one in values.items()])
        if random.random() < 0.1:
            summary.value.add(tag="weights", histo=summary_pb2.HistogramProto(num=3.0))
        if random.random() < 0.05:
            summary.value.add(tag="note").tensor.string_val.append(random.randbytes(300))
        event = event_pb2.Event(step=step, wall_time=1.7e9 + step, summary=summary)
        record = framed(bytes(event.SerializeToString()))
        points = tuple(Point(tag, step, one) for tag, one in values.items())
        records.append(Record(len(data), len(data) + len(record), points))
        data += record
    return Seed(name, data, tuple(records))


def _value(random: Random) -> float:
    if random.random() < 0.05:
        return random.choice((math.nan, math.inf, -math.inf, 0.0))
    return float(struct.unpack("<f", struct.pack("<f", random.uniform(0.1, 9.0)))[0])


def _double(tag: str, value: float) -> Any:
    return tensor(tag, dtype=types_pb2.DT_DOUBLE, double_val=[value])


def _shaped(tag: str, value: float) -> Any:
    found = tensor(tag, dtype=types_pb2.DT_FLOAT, float_val=[value])
    found.metadata.plugin_data.plugin_name = "scalars"
    found.tensor.tensor_shape.SetInParent()
    return found


_SHAPES: tuple[tuple[Callable[..., Any], tuple[str, ...]], ...] = (
    (scalar, ("loss",)),
    (scalar, ("train/loss", "grad_norm", "lr")),
    (keras_scalar, ("epoch_loss", "epoch_accuracy")),
    (_double, ("loss", "lr")),
    (_shaped, ("Loss/train", "Grad/norm")),
    (scalar, ("train/loss", "größe 2", "x" * 200, "a/b/c/d")),
    (lambda tag, value: keras_scalar(tag, value) if "k" in tag else scalar(tag, value),
     ("loss", "kl")),
)  # fmt: skip


def _of_sample(file: Path) -> Seed:
    data, records, at = file.read_bytes(), [], 0
    while at < len(data):
        stop = at + 16 + int(struct.unpack_from("<Q", data, at)[0])
        event = event_pb2.Event.FromString(data[at + 12 : stop - 4])
        values = [one for one in event.summary.value if one.HasField("simple_value")]
        points = tuple(Point(one.tag, event.step, float(one.simple_value)) for one in values)
        records.append(Record(at, stop, points))
        at = stop
    return Seed(file.name, data, tuple(records))
