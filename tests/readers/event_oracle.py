"""Reads an event file the slow and plain way: what the fast reader is compared with."""

from __future__ import annotations

import functools
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorboard.compat.proto import event_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from gradcheck.readers import event_values
from gradcheck.readers.event_file import EventFile

Point = tuple[int, int, float, float]


@dataclass
class Expected:
    """What a file holds: points as record, step, wall time and value."""

    points: dict[str, list[Point]] = field(default_factory=dict)
    walls: list[float] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    lost: list[tuple[int, int]] = field(default_factory=list)
    doubtful: bool = False
    """Whether a damaged record was dropped for a part that the fast reader passes over."""


def points(found: EventFile) -> dict[str, list[Point]]:
    return {
        tag: list(
            zip(c.record.tolist(), c.step.tolist(), c.wall.tolist(), c.value.tolist(), strict=True)
        )
        for tag, c in found.columns.items()
    }


def read(data: bytes, *, verify: bool = False) -> Expected:
    expected = Expected()
    kinds: dict[str, str] = {}
    for start, stop, kept in _spans(data, verify):
        event = _event(data[start + 12 : stop - 4]) if kept else None
        if event is None:
            expected.doubtful |= kept and not _is_intact(data, start, stop)
            if expected.lost and expected.lost[-1][1] == start:
                start, _ = expected.lost.pop()
            expected.lost.append((start, stop))
            continue
        for value in event.summary.value:
            number = event_values.scalar(value)
            if number is None:
                kinds.setdefault(value.tag, event_values.kind(value))
            else:
                point = (len(expected.walls), event.step, event.wall_time, number)
                expected.points.setdefault(value.tag, []).append(point)
        if event.WhichOneof("what") in ("graph_def", "meta_graph_def"):
            kinds["graph"] = "graph"
        expected.walls.append(event.wall_time)
    expected.skipped = dict(Counter(kinds.values()))
    return expected


def _event(payload: bytes) -> Any:
    try:
        return event_pb2.Event.FromString(payload)
    except DecodeError:
        return None


def _spans(data: bytes, verify: bool) -> Iterator[tuple[int, int, bool]]:
    at = 0
    while at + 12 <= len(data):
        stop = _stop(data, at)
        if stop is not None and stop <= len(data) and _is_kept(data, at, stop, verify):
            yield at, stop, True
            at = stop
            continue
        cut = stop is not None and stop > len(data)
        found = next(
            (
                n
                for n in range(at + 1, len(data) - 11)
                if (end := _stop(data, n))
                and (not cut or (end <= len(data) and _is_intact(data, n, end)))
            ),
            None,
        )
        if found is None and cut:
            return
        yield at, found or len(data), False
        at = found or len(data)


def _stop(data: bytes, at: int) -> int | None:
    length, crc = struct.unpack_from("<QI", data, at)
    # The checksum in pure Python is slow, and most of what is tried has an absurd length.
    if length >> 32 or _crc(data[at : at + 8]) != crc:
        return None
    return at + int(length) + 16


def _is_kept(data: bytes, at: int, stop: int, verify: bool) -> bool:
    if not verify and stop + 12 <= len(data) and _stop(data, stop) is not None:
        return True
    return _is_intact(data, at, stop)


def _is_intact(data: bytes, at: int, stop: int) -> bool:
    (crc,) = struct.unpack_from("<I", data, stop - 4)
    return bool(_crc(data[at + 12 : stop - 4]) == crc)


_crc = functools.lru_cache(maxsize=1 << 16)(masked_crc32c)
