"""Encodes rows of numbers as records of an event file, all those with the same names at once."""

from __future__ import annotations

import functools
import itertools
import struct
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from gradcheck.readers import crc32c

Row = tuple[int, float, dict[str, float]]
"""Step, wall time and numbers by name."""

_Bytes = npt.NDArray[np.uint8]
_WALL_TIME, _STEP, _FILE_VERSION, _SUMMARY = b"\x09", b"\x10", b"\x1a", b"\x2a"
"""Fields of `Event` in tensorboard's event.proto: a double, a varint, a string, a message."""
_SIGNED = 2**64 - 1
_VALUE, _TAG, _SIMPLE_VALUE = b"\x0a", b"\x0a", b"\x15"
"""Fields of `Summary` and `Summary.Value` in summary.proto: a message, a string, a float."""


def heading(wall: float) -> bytes:
    """The record that an event file begins with."""
    said = _delimited(_FILE_VERSION, b"brain.Event:2")
    return crc32c.record(_WALL_TIME + struct.pack("<d", wall) + said)


def records(rows: Sequence[Row]) -> Iterator[bytes]:
    """The rows in their order, as records that follow each other in an event file."""
    for names, alike in itertools.groupby(rows, key=lambda row: tuple(row[2])):
        several = list(alike)
        tail, places = _summary(names)
        for width, fitting in itertools.groupby(several, key=lambda row: _width(row[0])):
            yield _together(list(fitting), width, tail, places)


def _together(rows: Sequence[Row], width: int, tail: bytes, places: Sequence[int]) -> bytes:
    """Rows whose events differ in nothing but numbers, `width` bytes of them the step."""
    steps = b"".join(_varint(step) for step, _, _ in rows)
    head = len(_WALL_TIME) + 8
    length = head + len(_STEP) + width + len(tail)
    framed: _Bytes = np.empty((len(rows), 12 + length + 4), dtype=np.uint8)
    heading = length.to_bytes(8, "little") + crc32c.length_crc(length).to_bytes(4, "little")
    framed[:, :12] = np.frombuffer(heading, dtype=np.uint8)
    event = framed[:, 12:-4]
    event[:, : len(_WALL_TIME)] = _WALL_TIME[0]
    event[:, len(_WALL_TIME) : head] = _as_bytes([wall for _, wall, _ in rows], "<f8")
    event[:, head] = _STEP[0]
    event[:, head + 1 : -len(tail)] = np.frombuffer(steps, dtype=np.uint8).reshape(-1, width)
    event[:, -len(tail) :] = np.frombuffer(tail, dtype=np.uint8)
    if places:
        numbers = _as_bytes([list(values.values()) for _, _, values in rows], "<f4")
        at = np.add.outer(np.asarray(places) + length - len(tail), np.arange(4)).ravel()
        event[:, at] = numbers.reshape(len(rows), -1)
    sums = crc32c.masked_crcs(event)
    framed[:, -4:] = sums.astype("<u4").view(np.uint8).reshape(-1, 4)
    return framed.tobytes()


@functools.lru_cache(maxsize=64)
def _summary(names: tuple[str, ...]) -> tuple[bytes, list[int]]:
    """The summary of these names with every number 0, and where in it the numbers belong."""
    cells = [_delimited(_TAG, name.encode("utf-8", "replace")) for name in names]
    body = b"".join(_delimited(_VALUE, cell + _SIMPLE_VALUE + bytes(4)) for cell in cells)
    summary = _delimited(_SUMMARY, body)
    end, places = len(summary), []
    for cell in reversed(cells):
        places.append(end - 4)
        end -= len(_delimited(_VALUE, cell + _SIMPLE_VALUE + bytes(4)))
    return summary, places[::-1]


def _delimited(field: bytes, content: bytes) -> bytes:
    return field + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; a negative one in two's complement of 64 bits."""
    found = bytearray()
    number &= _SIGNED
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _width(number: int) -> int:
    """Bytes of its varint."""
    return max(1, ((number & _SIGNED).bit_length() + 6) // 7)


def _as_bytes(numbers: object, kind: str) -> _Bytes:
    """Each row of numbers as the bytes of a little-endian type."""
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
        converted = np.asarray(numbers, dtype=np.float64).astype(kind)
    return np.ascontiguousarray(converted).view(np.uint8).reshape(len(converted), -1)
