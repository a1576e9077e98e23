"""The event files of Keras' TensorBoard callback, by hand: TensorFlow is not installed.

Written with TensorBoard's own records and messages: scalars as tensors with metadata, one
directory for training and one for validation, and the model's description among the training.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING
from tensorboard.summary.writer.record_writer import RecordWriter

from tests.written import truth
from tests.written.truth import Record, Truth, Truths

CASES = ("epochs", "batches")
EPOCHS, BATCHES = 6, 4
DIVERGED = 4
FIRST_WALL = 1_700_000_000.0


class Part:
    """The writer of one directory, and what it was handed."""

    def __init__(self, directory: Path, start: float) -> None:
        directory.mkdir(parents=True)
        name = f"events.out.tfevents.{int(start)}.host.1.{directory.name == 'validation':d}.v2"
        self.file = (directory / name).open("wb")
        self.writer = RecordWriter(self.file)
        self.name = directory.name
        self.record = Record()
        self._write(Event(wall_time=start, file_version="brain.Event:2"))

    def scalar(self, tag: str, value: float, step: int, wall: float) -> None:
        tensor = TensorProto(dtype=DT_FLOAT, tensor_content=struct.pack("<f", value))
        self._summary(tag, tensor, "scalars", step, wall)
        self.record.add(step, {f"{self.name}/{tag}": value})

    def model(self, wall: float) -> None:
        tensor = TensorProto(dtype=DT_STRING, string_val=[b'{"class_name": "Sequential"}'])
        self._summary("keras", tensor, "graph_keras_model", 0, wall)

    def _summary(self, tag: str, tensor: TensorProto, plugin: str, step: int, wall: float) -> None:
        about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin))
        value = Summary.Value(tag=tag, tensor=tensor, metadata=about)
        self._write(Event(wall_time=wall, step=step, summary=Summary(value=[value])))

    def _write(self, event: Event) -> None:
        self.writer.write(event.SerializeToString())

    def close(self) -> None:
        self.writer.close()


def fit(run: Path, every_batch: bool) -> Truth:
    train, validation = Part(run / "train", FIRST_WALL), Part(run / "validation", FIRST_WALL + 1)
    train.model(FIRST_WALL)
    for epoch in range(EPOCHS):
        wall = FIRST_WALL + 10 * (epoch + 1)
        loss = math.nan if epoch >= DIVERGED else 1 / (epoch + 1)
        for batch in range(BATCHES if every_batch else 0):
            step = epoch * BATCHES + batch
            train.scalar("batch_loss", loss + batch / 7, step, wall + batch)
            train.scalar("batch_steps_per_second", 3.5, step, wall + batch)
        validation.scalar(
            "evaluation_loss_vs_iterations", 2 * loss, (epoch + 1) * BATCHES, wall + 5
        )
        train.scalar("epoch_loss", loss, epoch, wall + 6)
        train.scalar("epoch_learning_rate", 0.01, epoch, wall + 6)
        validation.scalar("epoch_loss", 2 * loss, epoch, wall + 6)
    train.close()
    validation.close()
    return Truth(train.record.series | validation.record.series, "keras", keeps="float32")


def write(out: Path) -> Truths:
    return {
        "epochs": {"": fit(out / "epochs", every_batch=False)},
        "batches": {"": fit(out / "batches", every_batch=True)},
    }


if __name__ == "__main__":
    truth.main(write)
