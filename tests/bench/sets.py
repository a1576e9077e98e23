"""The logs that are read: seeded, the same every time, each like a healthy training's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np

from gradcheck.model import FloatArray
from tests.bench import event_bytes, media
from tests.bench.courses import Course
from tests.bench.event_bytes import Events
from tests.bench.points import NONE, Digest, digest

Logged = tuple[int, FloatArray]
"""How many steps lie between two that are logged, and a value for each step."""

CSV = "metrics.csv"
_EVENTS = "events.out.tfevents.1700000000.bench.1.0"
_ROWS = 1 << 16  # rows of a table that are formatted together


def _one_file(home: Path, scale: float) -> Digest:
    return _write(home / _EVENTS, _training(round(200_000 * scale), 1))


def _many_runs(home: Path, scale: float) -> Digest:
    runs, points = max(2, round(200 * scale)), 4_000_000 * scale
    steps = min(4_000, round(points / runs / 5))
    found = NONE
    for run in range(runs):
        rate = ("1e-4", "3e-4", "6e-4", "1e-3")[run % 4]
        directory = home / f"lr_{rate}-seed_{run // 4}"
        found |= _write(directory / _EVENTS, _training(steps, 2, run))
    return found


def _with_media(home: Path, scale: float) -> Digest:
    """Between the scalars of 20 steps lie 48 histograms and 10 images."""
    cycles = max(1, round(1000 * scale))
    events = _training(20 * cycles, 3)
    blobs = media.Pool(3)
    with _opened(home / _EVENTS) as file:
        for cycle in range(cycles):
            part = events.part(100 * cycle, 100 * (cycle + 1))
            file.writelines(event_bytes.scalar_records(part))
            file.writelines(blobs.records(int(part.step[-1]), float(part.wall[-1])))
    return _digest(events)


def _megatron(home: Path, scale: float) -> Digest:
    """8 tags every step, 24 every 10 steps, 8 every 100, as Megatron-LM names them."""
    steps = round(95_000 * scale)
    course = Course(steps, 4)
    columns: dict[str, Logged] = {
        "lm loss": (1, course.loss()),
        "grad-norm": (1, course.grad_norm()),
        "learning-rate": (1, course.learning_rate()),
        "loss-scale": (1, np.ones(steps)),
        "throughput/device/tokens_per_sec": (1, 131_072 / course.seconds),
        "iteration-time": (1, course.seconds),
        "throughput/device/tflops": (1, course.steady(410, 0.02)),
        "params-norm": (1, course.slow(180, 420)),
    }
    for layer in range(24):
        name = f"decoder.layers.{layer}.grad-norm"
        columns[name] = (10, course.grad_norm(0.12 * (1 + layer / 24)))
    for task in ("wikipedia", "books", "code", "web"):
        columns[f"lm loss validation/{task}"] = (100, course.loss(end=1.9, noise=0.01))
    for use in ("allocated", "reserved", "max-allocated", "fragmented"):
        columns[f"mem-{use}-bytes"] = (100, course.steady(6e10, 0.001))
    return _write(home / _EVENTS, _events(columns, course, first=1))


def _keras(home: Path, scale: float) -> Digest:
    steps = round(50_000 * scale)
    course = Course(steps, 5)
    columns = {
        "batch_loss": (1, course.loss()),
        "batch_accuracy": (1, course.accuracy()),
        "batch_learning_rate": (1, course.learning_rate()),
        "batch_steps_per_second": (1, 1 / course.seconds),
    }
    return _write(home / "train" / _EVENTS, _events(columns, course), as_tensors=True)


def _table(home: Path, scale: float) -> Digest:
    """12 columns; what is logged more rarely leaves blanks, and a sensor answers `nan` at times."""
    rows = round(1_000_000 * scale)
    course = Course(rows, 6)
    temperature = np.round(course.steady(71, 0.01), 1)
    temperature[:: max(1, rows // 20)] = np.nan
    columns = {
        "train_loss": (1, course.loss()),
        "grad_norm": (1, course.grad_norm()),
        "learning_rate": (1, course.learning_rate()),
        "train_accuracy": (1, course.accuracy()),
        "weight_norm": (1, course.slow(180, 420)),
        "step_time": (1, course.seconds),
        "data_time": (1, course.steady(0.004, 0.2)),
        "gpu_temperature": (1, temperature),
        "tokens_per_second": (10, 131_072 / course.seconds),
        "val_loss": (100, course.loss(end=1.9, noise=0.01)),
        "val_accuracy": (100, course.accuracy(0.68)),
    }
    return _write_table(home / CSV, rows, columns)


def _small_file(home: Path, scale: float) -> Digest:
    return _write(home / _EVENTS, _training(600, 7))


def _small_table(home: Path, scale: float) -> Digest:
    columns = _metrics(Course(600, 7))
    return _write_table(home / CSV, 600, {tag: (1, values) for tag, values in columns.items()})


WRITERS: Mapping[str, Callable[[Path, float], Digest]] = {
    "a": _one_file,
    "b": _many_runs,
    "c": _with_media,
    "d": _megatron,
    "tf2": _keras,
    "csv": _table,
    "small": _small_file,
    "small_csv": _small_table,
}
"""Each writes its set, shrunk to a share of its full size, into a directory."""


def _metrics(course: Course) -> dict[str, FloatArray]:
    return {
        "train/loss": course.loss(),
        "train/grad_norm": course.grad_norm(),
        "train/learning_rate": course.learning_rate(),
        "train/accuracy": course.accuracy(),
        "train/step_time": course.seconds,
    }


def _training(steps: int, *seed: int) -> Events:
    course = Course(steps, *seed)
    return _events({tag: (1, values) for tag, values in _metrics(course).items()}, course)


def _events(columns: Mapping[str, Logged], course: Course, first: int = 0) -> Events:
    """The points in the order in which a loop over `first`, `first` + 1, ... logs them."""
    steps = [np.arange(0, len(values), every) for every, values in columns.values()]
    tag = np.repeat(np.arange(len(steps)), [len(rows) for rows in steps])
    value = np.concatenate([values[::every] for every, values in columns.values()])
    step = np.concatenate(steps) + first
    order = np.argsort(step, kind="stable")
    step = step[order]
    return Events(tuple(columns), tag[order], step, course.wall(step), value[order])


def _write(file: Path, events: Events, *, as_tensors: bool = False) -> Digest:
    with _opened(file) as opened:
        opened.writelines(event_bytes.scalar_records(events, as_tensors=as_tensors))
    return _digest(events)


def _opened(file: Path) -> BinaryIO:
    file.parent.mkdir(parents=True, exist_ok=True)
    opened = file.open("wb")
    opened.write(event_bytes.framed(event_bytes.VERSION))
    return opened


def _digest(events: Events) -> Digest:
    return digest([(events.step, events.value)])


def _write_table(file: Path, rows: int, columns: Mapping[str, Logged]) -> Digest:
    found = NONE
    with file.open("w", encoding="ascii", newline="") as opened:
        opened.write(",".join(("step", *columns)) + "\n")
        for first in range(0, rows, _ROWS):
            step = range(first, min(first + _ROWS, rows))
            cells = [_cells(step, every, values) for every, values in columns.values()]
            lines = map(",".join, zip(map(str, step), *cells, strict=True))
            opened.write("\n".join(lines) + "\n")
            found |= digest((step, [float(cell or "nan") for cell in column]) for column in cells)
    return found


def _cells(step: range, every: int, values: FloatArray) -> list[str]:
    """The cells of one column, blank where nothing is logged."""
    texts = [f"{value:.4g}" for value in values[step.start : step.stop].tolist()]
    return [text if at % every == 0 else "" for at, text in zip(step, texts, strict=True)]
