"""Reads a log with one reader in a process of its own: `python -m tests.bench.readers NAME PATH`.

It prints one line of JSON: how many points were read and their checksum, and the seconds of CPU
and wall clock that went into reading, imports apart, and into the checksum, no part of reading.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.columns import Columns

# Nothing heavy is imported up here: each reader pays for its own imports and for no other's.

_BUFFER = 1 << 20
Read = Callable[[Path], Columns | None]


class Reader(NamedTuple):
    """A way to read a log; `opened` imports what it needs and returns the reading function."""

    package: str
    """The distribution it comes in, or "" for Python itself."""
    opened: Callable[[], Read]

    def missing(self) -> bool:
        """Whether the package is not installed."""
        return bool(self.package) and importlib.util.find_spec(self.package) is None


def _own(module: str) -> Read:
    reader = importlib.import_module(f"gradcheck.readers.{module}").READER

    def read(path: Path) -> Columns:
        files = [path] if path.is_file() else list(_event_files(path))
        runs = [reader.read(source) for source in reader.group(files, path)]
        return [(series.step, series.value) for run in runs for series in run.series]

    return read


def _load() -> Read:
    import gradcheck

    load = gradcheck.load

    def read(path: Path) -> Columns:
        runs = load(path)
        return [(series.step, series.value) for run in runs for series in run.series]

    return read


def _event_accumulator() -> Read:
    from tensorboard.backend.event_processing import event_accumulator as tensorboard
    from tensorboard.util import tensor_util

    # All scalars; histograms and images, which nobody else decodes, as few as it allows.
    few = (tensorboard.COMPRESSED_HISTOGRAMS, tensorboard.HISTOGRAMS, tensorboard.IMAGES)
    sizes = {tensorboard.SCALARS: 0, tensorboard.TENSORS: 0, **dict.fromkeys(few, 1)}

    def read(path: Path) -> Columns:
        found = [
            tensorboard.EventAccumulator(str(run), sizes, purge_orphaned_data=False)
            for run in sorted({file.parent for file in _event_files(path)})
        ]
        for one in found:
            one.Reload()
        return _of_accumulators(found, lambda proto: float(tensor_util.make_ndarray(proto)))

    return read


def _of_accumulators(found: list[Any], number: Callable[[Any], float]) -> Iterator[Any]:
    for one in found:
        for tag in one.Tags()["scalars"]:
            events = one.Scalars(tag)
            yield [event.step for event in events], [event.value for event in events]
        for tag in one.Tags()["tensors"]:
            events = one.Tensors(tag)
            yield [e.step for e in events], [number(e.tensor_proto) for e in events]


def _tbparse() -> Read:
    from tbparse import SummaryReader

    def read(path: Path) -> Columns:
        found = SummaryReader(str(path), event_types={"scalars", "tensors"})
        frames = [frame for frame in (found.scalars, found.tensors) if len(frame)]
        return ((frame["step"], frame["value"]) for frame in frames)

    return read


def _data_server() -> Read:
    from tests.bench import data_server

    return data_server.read


def _pandas() -> Read:
    import pandas as pd

    def read(path: Path) -> Columns:
        frame = pd.read_csv(path)
        return ((frame["step"], frame[name]) for name in frame.columns if name != "step")

    return read


def _bytes() -> Read:
    def read(path: Path) -> None:
        buffer = bytearray(_BUFFER)
        for file in [path] if path.is_file() else _event_files(path):
            with file.open("rb", buffering=0) as opened:
                while opened.readinto(buffer):
                    pass

    return read


READERS: Mapping[str, Reader] = {
    "gradcheck reader": Reader("gradcheck", lambda: _own("tensorboard")),
    "gradcheck CSV reader": Reader("gradcheck", lambda: _own("csv_table")),
    "gradcheck.load": Reader("gradcheck", _load),
    "EventAccumulator": Reader("tensorboard", _event_accumulator),
    "tbparse": Reader("tbparse", _tbparse),
    "tensorboard-data-server": Reader("tensorboard_data_server", _data_server),
    "pandas.read_csv": Reader("pandas", _pandas),
    "bytes": Reader("", _bytes),
}


def _event_files(path: Path) -> Iterator[Path]:
    return path.rglob("*tfevents*")


def main(name: str, path: Path) -> dict[str, Any]:
    """Read a log with the named reader and say what `python -m` prints."""
    read = READERS[name].opened()
    began = _clocks()
    columns = read(path)
    said: dict[str, Any] = {"reading": _since(began)}
    if columns is not None:
        began = _clocks()
        from tests.bench.points import digest

        points, checksum = digest(columns)
        said |= {"checking": _since(began), "points": points, "checksum": checksum}
    return said


def _clocks() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def _since(began: tuple[float, float]) -> dict[str, float]:
    cpu, wall = _clocks()
    return {"cpu": cpu - began[0], "wall": wall - began[1]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
