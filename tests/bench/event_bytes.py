"""Lays out TensorBoard event files byte by byte, many records at a time."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gradcheck.model import FloatArray, IntArray

Bytes = npt.NDArray[np.uint8]

VERSION = b"\x09" + struct.pack("<d", 1.7e9) + b"\x1a\x0dbrain.Event:2"
"""The payload with which every event file begins."""
_CHUNK = 1 << 16  # records that are laid out together
_HEADER, _FOOTER = 12, 4
_WALL, _STEP = 1, 10  # where a payload keeps its wall time, and the key of its step
# The first step that needs 1, 2, 3 ... bytes; step 0 is left out of the record, as in proto3.
_WIDTHS = np.array([1 << 7 * width if width else 1 for width in range(9)], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Events:
    """Scalars in the order in which they are logged, one record each."""

    tags: Sequence[str]
    tag: IntArray
    """The place of each point's tag in `tags`."""
    step: IntArray
    wall: FloatArray
    """Seconds since 1970."""
    value: FloatArray

    def __len__(self) -> int:
        return len(self.tag)

    def part(self, first: int, stop: int) -> Events:
        """The points numbered from `first` to before `stop`."""
        cut = slice(first, stop)
        return Events(self.tags, self.tag[cut], self.step[cut], self.wall[cut], self.value[cut])


def framed(payload: bytes) -> bytes:
    """A payload as one TFRecord: its length and the CRCs of both."""
    return b"".join((*_lengths(len(payload)), payload, _masked([_crc32c(payload)]).tobytes()))


def scalar_records(events: Events, *, as_tensors: bool = False) -> Iterator[bytes]:
    """The records of the points, in pieces: as torch writes scalars, or as TF2 and Keras do."""
    for first in range(0, len(events), _CHUNK):
        yield _laid_out(events.part(first, first + _CHUNK), as_tensors)


def summary_record(step: int, wall: float, summary: bytes) -> bytes:
    """The record of one event that holds a serialised summary."""
    head = b"\x09" + struct.pack("<d", wall) + b"\x10" + _varint(step)
    return framed(head + _field(5, summary))


def _laid_out(events: Events, as_tensors: bool) -> bytes:
    width = np.searchsorted(_WIDTHS, events.step, side="right")
    shape = events.tag * len(_WIDTHS) + width
    groups = [np.flatnonzero(shape == one) for one in np.unique(shape)]
    records = [_alike(events, rows, int(width[rows[0]]), as_tensors) for rows in groups]
    lengths = np.empty(len(events), dtype=np.int64)
    for rows, block in zip(groups, records, strict=True):
        lengths[rows] = block.shape[1]
    starts = np.cumsum(lengths) - lengths
    laid = np.empty(int(lengths.sum()), dtype=np.uint8)
    for rows, block in zip(groups, records, strict=True):
        laid[starts[rows][:, None] + np.arange(block.shape[1])] = block
    return laid.tobytes()


def _alike(events: Events, rows: IntArray, width: int, as_tensors: bool) -> Bytes:
    """Records of one tag whose steps take the same number of bytes, one in each line."""
    value = _tensor_value if as_tensors else _simple_value
    before, after = value(events.tags[int(events.tag[rows[0]])])
    step = b"\x10" + bytes(width) if width else b""
    payload = b"\x09" + bytes(8) + step + _field(5, _field(1, before + bytes(4) + after))
    template = b"".join((*_lengths(len(payload)), payload, bytes(_FOOTER)))
    block = np.tile(np.frombuffer(template, dtype=np.uint8), (len(rows), 1))
    _put(block, _HEADER + _WALL, events.wall[rows].astype("<f8"))
    for place in range(width):
        more = 0x80 if place < width - 1 else 0
        block[:, _HEADER + _STEP + place] = events.step[rows] >> 7 * place & 0x7F | more
    _put(block, len(template) - _FOOTER - len(after) - 4, events.value[rows].astype("<f4"))
    _put(block, len(template) - _FOOTER, _crcs(block[:, _HEADER:-_FOOTER]))
    return block


def _put(block: Bytes, column: int, numbers: npt.NDArray[Any]) -> None:
    size = numbers.dtype.itemsize
    block[:, column : column + size] = numbers.view(np.uint8).reshape(-1, size)


def _crcs(payloads: Bytes) -> npt.NDArray[np.uint32]:
    raw, size = payloads.tobytes(), payloads.shape[1]
    return _masked([_crc32c(raw[at : at + size]) for at in range(0, len(raw), size)])


def _masked(crcs: list[int]) -> npt.NDArray[np.uint32]:
    crc = np.array(crcs, dtype=np.uint32)
    return ((crc >> 15 | crc << 17) + np.uint32(0xA282EAD8)).astype("<u4")


def _lengths(size: int) -> tuple[bytes, bytes]:
    length = struct.pack("<Q", size)
    return length, _masked([_crc32c(length)]).tobytes()


def _simple_value(tag: str) -> tuple[bytes, bytes]:
    return _field(1, tag.encode()) + b"\x15", b""


def _tensor_value(tag: str) -> tuple[bytes, bytes]:
    """What surrounds the number: type float, no dimensions, and the plug-in `scalars`."""
    tensor = b"\x08\x01\x12\x00\x22\x04"
    before = _field(1, tag.encode()) + b"\x42" + _varint(len(tensor) + 4) + tensor
    return before, _field(9, _field(1, _field(1, b"scalars")) + b"\x20\x01")


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))


def _fastest_crc() -> Callable[[bytes], int]:
    """google_crc32c, which `make bench` installs; else TensorBoard's own, 60 times slower."""
    try:
        fast: Callable[[bytes], int] = importlib.import_module("google_crc32c").value
    except ImportError:
        stub = importlib.import_module("tensorboard.compat.tensorflow_stub.pywrap_tensorflow")
        slow: Callable[[bytes], int] = stub.crc32c
        return slow
    return fast


_crc32c = _fastest_crc()
