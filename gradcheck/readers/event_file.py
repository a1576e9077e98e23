"""Reads the bytes of one TensorBoard event file into one column per tag, every point kept."""

from __future__ import annotations

import functools
import re
import struct
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gradcheck.model import FloatArray, IntArray
from gradcheck.readers import event_values

_HEADER = struct.Struct("<8sI")
_FOOTER = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")
# Every real record is shorter than 4 GiB: only such lengths are worth a CRC while searching.
_PLAUSIBLE = re.compile(rb"(?=.{4}\0\0\0\0)", re.DOTALL)


@dataclass(frozen=True, eq=False)
class Column:
    """The points of one tag, in file order."""

    record: IntArray
    """Number of the record, counted from 0 over all records of the file."""
    step: IntArray
    wall: FloatArray
    value: FloatArray


@dataclass(frozen=True, eq=False)
class EventFile:
    """What one event file holds."""

    columns: Mapping[str, Column]
    walls: FloatArray
    """Wall-clock time of each record, whatever it holds."""
    skipped: Mapping[str, int]
    """How many tags hold something other than scalars, by kind (images, graphs, ...)."""
    hparams: Mapping[str, object]
    lost: tuple[tuple[int, int], ...]
    """Byte ranges that could not be read; a last record cut short does not count."""


def read_events(data: bytes) -> EventFile:
    """Read one event file; damage costs no more than the records it touches."""
    from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415
        DecodeError,
    )
    from tensorboard.compat.proto import event_pb2  # noqa: PLC0415 - 0.1 s to import

    collector = _Collector()
    lost = []
    for span in _spans(data):
        if not span.intact:
            lost.append((span.start, span.stop))
            continue
        try:
            collector.add(event_pb2.Event.FromString(data[span.start + 12 : span.stop - 4]))
        except DecodeError:
            lost.append((span.start, span.stop))
    return collector.result(tuple(lost))


class _Span(NamedTuple):
    start: int
    stop: int
    intact: bool


def _spans(data: bytes) -> Iterator[_Span]:
    """The records with their framing, and the byte ranges lost between them."""
    start = 0
    while start + _HEADER.size <= len(data):
        stop = _stop(data, start)
        if stop is not None and stop > len(data):
            return
        if stop is not None and (_follows(data, stop) or _body_is_intact(data, start, stop)):
            yield _Span(start, stop, True)
            start = stop
            continue
        # A hole inside a record makes it swallow the head of the next one, so the search begins
        # within the record and not behind it.
        found = _find_header(data, start + 1)
        yield _Span(start, found, False)
        start = found


def _stop(data: bytes, start: int) -> int | None:
    """Where the record that begins at `start` ends, or None if its length is damaged."""
    length, crc = _HEADER.unpack_from(data, start)
    if _header_crc(length) != crc:
        return None
    return start + 16 + int(_LENGTH.unpack(length)[0])


def _follows(data: bytes, stop: int) -> bool:
    return stop + _HEADER.size > len(data) or _stop(data, stop) is not None


def _body_is_intact(data: bytes, start: int, stop: int) -> bool:
    crc: int = _FOOTER.unpack_from(data, stop - 4)[0]
    return _masked_crc(data[start + 12 : stop - 4]) == crc


def _find_header(data: bytes, start: int) -> int:
    for match in _PLAUSIBLE.finditer(data, start):
        offset = match.start()
        if offset + _HEADER.size <= len(data) and _stop(data, offset) is not None:
            return offset
    return len(data)


def _masked_crc(payload: bytes) -> int:
    from tensorboard.compat.tensorflow_stub import pywrap_tensorflow  # noqa: PLC0415

    return int(pywrap_tensorflow.masked_crc32c(payload))


# Few lengths occur in one file, and TensorBoard's pure-Python CRC takes 6 us a header.
_header_crc = functools.lru_cache(maxsize=4096)(_masked_crc)


@dataclass
class _Points:
    record: array[int] = field(default_factory=lambda: array("q"))
    step: array[int] = field(default_factory=lambda: array("q"))
    value: array[float] = field(default_factory=lambda: array("d"))


class _Collector:
    def __init__(self) -> None:
        self._points: dict[str, _Points] = {}
        self._walls = array("d")
        self._skipped: dict[str, str] = {}
        self._hparams: dict[str, object] = {}

    def add(self, event: Any) -> None:
        record = len(self._walls)
        self._walls.append(event.wall_time)
        for value in event.summary.value:
            number = event_values.scalar(value)
            if number is None:
                self._skip(value)
                continue
            points = self._points.get(value.tag) or self._points.setdefault(value.tag, _Points())
            points.record.append(record)
            points.step.append(event.step)
            points.value.append(number)
        if event.WhichOneof("what") in ("graph_def", "meta_graph_def"):
            self._skipped["graph"] = "graph"

    def _skip(self, value: Any) -> None:
        plugin = value.metadata.plugin_data
        if plugin.plugin_name == "hparams":
            self._hparams.update(event_values.hparams(plugin.content))
        else:
            self._skipped.setdefault(value.tag, event_values.kind(value))

    def result(self, lost: tuple[tuple[int, int], ...]) -> EventFile:
        walls = np.array(self._walls, dtype=np.float64)
        columns = {tag: _column(points, walls) for tag, points in self._points.items()}
        return EventFile(columns, walls, Counter(self._skipped.values()), self._hparams, lost)


def _column(points: _Points, walls: FloatArray) -> Column:
    record = np.array(points.record, dtype=np.int64)
    step = np.array(points.step, dtype=np.int64)
    return Column(record, step, walls[record], np.array(points.value, dtype=np.float64))
