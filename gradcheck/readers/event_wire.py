"""Decodes an event of the usual form from its protobuf bytes, without the protobuf library."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gradcheck.readers.event_values import ENCODINGS, Encoding, kind_name, unpack

# A key is the field's number times 8 plus the wire type, as in event.proto and its kin.
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WALL_TIME, _STEP, _SUMMARY = 0x09, 0x10, 0x2A
_GRAPHS = frozenset({0x22, 0x4A})
_WHAT = _GRAPHS | {0x1A, _SUMMARY, 0x32, 0x3A, 0x42}
_EVENT = _WHAT | {_WALL_TIME, _STEP, 0x52}
_SUMMARY_VALUE = 0x0A
_TAG, _SIMPLE_VALUE, _TENSOR, _METADATA = 0x0A, 0x15, 0x42, 0x4A
_HELD = {_SIMPLE_VALUE: "", 0x1A: "", 0x22: "image", 0x2A: "histo", 0x32: "audio", _TENSOR: ""}
_VALUE = _HELD.keys() | {_TAG, 0x3A, _METADATA}
_DTYPE, _SHAPE, _VERSION, _CONTENT = 0x08, 0x12, 0x18, 0x22
_DIMENSION, _SIZE = 0x12, 0x08
# The fields that hold numbers of a fixed width, packed or not.
_NUMBERS = {0x2A: "float_val", 0x2D: "float_val", 0x32: "double_val", 0x31: "double_val"}
_PLUGIN, _PLUGIN_NAME, _PLUGIN_CONTENT = 0x0A, 0x0A, 0x12


class Unusual(Exception):
    """Bytes that are damaged, or valid in a way that only the protobuf library knows."""


class Number(NamedTuple):
    """One scalar of an event."""

    tag: bytes
    value: float
    code: str = ""
    """How it is stored, as in `event_values`; empty where it has no place of fixed width."""
    at: int = 0
    """Where in the payload's buffer it is stored."""


class Other(NamedTuple):
    """A summary value that is no scalar."""

    tag: bytes
    kind: str
    hparams: bytes | None
    """The content for TensorBoard's `hparams` plug-in, if it is for that."""


@dataclass
class Event:
    """What one event holds."""

    wall: float = 0.0
    step: int = 0
    numbers: list[Number] = field(default_factory=list)
    others: list[Other] = field(default_factory=list)
    graph: bool = False
    tail: int | None = None
    """Where the rest begins, if the event begins with wall time and step as it usually does."""


def decode(data: bytes, start: int, stop: int) -> Event:
    """Decode the event at data[start:stop].

    Raises:
        Unusual: the bytes are not such as writers of event files produce.
    """
    event = Event()
    seen: set[int] = set()
    for key, first, last in _fields(data, start, stop):
        _check_new(key, seen, _EVENT)
        if key == _WALL_TIME:
            (event.wall,) = struct.unpack_from("<d", data, first)
        elif key == _STEP:
            event.step = _signed(_varint(data, first, last)[0])
        elif key == _SUMMARY:
            _summary(data, first, last, event)
        elif key in _GRAPHS:
            event.graph = True
    if len(seen & _WHAT) > 1:
        raise Unusual
    event.tail = _tail(data, start, stop, _STEP in seen)
    return event


def kind(key: int) -> str:
    """What a summary value holds in the field with some key, if that is no number."""
    return kind_name(_HELD[key], "")


def _tail(data: bytes, start: int, stop: int, has_step: bool) -> int | None:
    if stop - start < 10 or data[start] != _WALL_TIME or (data[start + 9] == _STEP) != has_step:
        return None
    return _varint(data, start + 10, stop)[1] if has_step else start + 9


def _summary(data: bytes, start: int, stop: int, event: Event) -> None:
    for key, first, last in _fields(data, start, stop):
        if key != _SUMMARY_VALUE:
            raise Unusual
        _value(data, first, last, event)


def _value(data: bytes, start: int, stop: int, event: Event) -> None:
    found: dict[int, tuple[int, int]] = {}
    for key, first, last in _fields(data, start, stop):
        if key in found or key not in _VALUE:
            raise Unusual
        found[key] = first, last
    held = found.keys() & _HELD.keys()
    if len(held) > 1:
        raise Unusual
    tag = data[slice(*found.get(_TAG, (0, 0)))]
    number = None
    if _SIMPLE_VALUE in held:
        at = found[_SIMPLE_VALUE][0]
        number = struct.unpack_from("<f", data, at)[0], "f", at
    elif _TENSOR in held:
        number = _tensor(data, *found[_TENSOR])
    if number is not None:
        event.numbers.append(Number(tag, *number))
        return
    plugin, content = _plugin(data, *found.get(_METADATA, (0, 0)))
    kind = kind_name(_HELD[held.pop()] if held else "", plugin)
    event.others.append(Other(tag, kind, content if plugin == "hparams" else None))


def _tensor(data: bytes, start: int, stop: int) -> tuple[float, str, int] | None:
    """The only number of a tensor, how and where it is stored; None if it has none or several."""
    dtype, single, repeated = 0, True, False
    fields: dict[int, tuple[int, int]] = {}
    for key, first, last in _fields(data, start, stop):
        repeated = repeated or key in fields
        fields[key] = first, last
        if key == _DTYPE:
            dtype = _varint(data, first, last)[0]
        elif key == _SHAPE:
            single = single and _is_single(data, first, last)
    encoding = ENCODINGS.get(dtype)
    if repeated and encoding is not None:
        raise Unusual
    if encoding is None or not single:
        return None
    first, last = fields.get(_CONTENT, (0, 0))
    if first == last:
        first, last = _packed(fields, encoding)
    value = unpack(encoding.code, data[first:last])
    return None if value is None else (value, encoding.code, first)


def _packed(fields: dict[int, tuple[int, int]], encoding: Encoding) -> tuple[int, int]:
    """Where the numbers are in a tensor without raw bytes."""
    known = fields.keys() - {_DTYPE, _SHAPE, _VERSION, _CONTENT}
    if len(known) != 1 or _NUMBERS.get(key := known.pop()) != encoding.field:
        raise Unusual
    first, last = fields[key]
    if first == last or (last - first) % struct.calcsize(f"<{encoding.code}"):
        raise Unusual
    return first, last


def _is_single(data: bytes, start: int, stop: int) -> bool:
    """Whether a shape is that of one number."""
    for key, first, last in _fields(data, start, stop):
        if key == _DIMENSION:
            size = 0
            for inner, begin, end in _fields(data, first, last):
                size = _varint(data, begin, end)[0] if inner == _SIZE else size
            if size != 1:
                return False
    return True


def _plugin(data: bytes, start: int, stop: int) -> tuple[str, bytes]:
    """The name and the content of the plug-in that some metadata name."""
    name, content = "", b""
    for key, first, last in _fields(data, start, stop):
        if key == _PLUGIN:
            for inner, begin, end in _fields(data, first, last):
                if inner == _PLUGIN_NAME:
                    name = data[begin:end].decode(errors="replace")
                elif inner == _PLUGIN_CONTENT:
                    content = data[begin:end]
    return name, content


def _check_new(key: int, seen: set[int], known: frozenset[int]) -> None:
    if key in seen or key not in known:
        raise Unusual
    seen.add(key)


def _fields(data: bytes, at: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Each field's key, and where its content begins and ends."""
    while at < stop:
        key = data[at]
        if key >= 0x80 or key < 8:  # all that is looked for here has a number from 1 to 15
            raise Unusual
        at += 1
        wire = key & 7
        if wire == _BYTES:
            length, at = _varint(data, at, stop)
            last = at + length
        elif wire == _VARINT:
            _, last = _varint(data, at, stop)
        elif wire == _FIXED32:
            last = at + 4
        elif wire == _FIXED64:
            last = at + 8
        else:
            raise Unusual
        if last > stop:
            raise Unusual
        yield key, at, last
        at = last


def _varint(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """The number at `at`, and where it ends."""
    if at < stop and data[at] < 0x80:
        return data[at], at + 1
    value = shift = 0
    for position in range(at, min(at + 10, stop)):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80 and value < 1 << 64:
            return value, position + 1
        shift += 7
    raise Unusual


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value
