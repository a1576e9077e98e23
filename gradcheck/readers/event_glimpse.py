"""Recognises, by its first bytes, an event that holds one image, histogram or audio clip."""

from __future__ import annotations

import re
import struct
from array import array

from gradcheck.readers import crc32c
from gradcheck.readers.byte_source import ByteSource
from gradcheck.readers.record_headers import HEADER, OVERHEAD

GLIMPSE = 192
"""Bytes of a record, its header among them, that show what it is if its tag is not very long."""
LONG = 1 << 11
"""Bytes from which on an event is worth a look whether it can be passed over."""
_HEADER = struct.Struct("<QI")
_WALL = slice(HEADER + 1, HEADER + 9)
_WALL_TIME, _STEP = 0x09, 0x10
_BEHIND_WALL = HEADER + 9
_LONGEST_BEGINNING = _BEHIND_WALL + 11
_VARINT = rb"[\x80-\xff]{0,4}[\x00-\x7f]"
# Wall time, step; a summary with one value, and in it the length of the tag.
_EVENT = re.compile(
    rb"\x09.{8}(?:\x10[\x80-\xff]{0,9}[\x00-\x7f])?"
    rb"(?P<summary>\x2a" + _VARINT + rb"\x0a" + _VARINT + rb"\x0a[\x00-\x7f])",
    re.DOTALL,
)
_HELD = re.compile(rb"[\x22\x2a\x32]" + _VARINT)  # an image, a histogram, an audio clip
_MOST_KNOWN = 1024
_NONE: tuple[int, set[bytes]] = (0, set())


class Glimpses:
    """What the beginnings of records showed so far."""

    def __init__(self) -> None:
        self.tags: dict[bytes, int] = {}
        """The tags of what is passed over, each with the key of the field that holds it."""
        self._known: dict[int, tuple[int, set[bytes]]] = {}
        # By what follows wall time and step: the bytes up to the held field's content, and how
        # many they are. The same ones with as many bytes behind them have the same form.

    def pass_over(self, source: ByteSource, at: int, size: int) -> tuple[array[float], int]:
        """The wall times of long records without numbers from `at` on, and where they end.

        Only a header behind it shows that a record is whole, so the last one waits for that.
        """
        walls = array("d")
        start, unpack, length_crc, peek = at, _HEADER.unpack_from, crc32c.length_crc, source.peek
        while True:
            glimpse = peek(GLIMPSE, at)
            length, crc = unpack(glimpse) if len(glimpse) >= HEADER else (0, 0)
            if crc != length_crc(length):
                if at > start:
                    walls.pop()
                return walls, start
            start = at
            at += length + OVERHEAD
            if length < LONG or at > size or not self.is_plain(glimpse, length):
                return walls, start
            walls.frombytes(glimpse[_WALL])

    def is_plain(self, glimpse: bytes, length: int) -> bool:
        """Whether an event holds no number, as far as that shows without reading more of it.

        `glimpse` begins with the record's header; `length` is that of its payload.
        """
        start = _BEHIND_WALL
        if len(glimpse) == GLIMPSE and glimpse[start] == _STEP:
            start += 2
            while glimpse[start - 1] >= 0x80 and start < _LONGEST_BEGINNING:
                start += 1
        size, forms = self._known.get(length - start, _NONE)
        if glimpse[start : start + size] in forms and glimpse[HEADER] == _WALL_TIME:
            return True
        return self._learn(glimpse, length)

    def _learn(self, glimpse: bytes, length: int) -> bool:
        event = _EVENT.match(glimpse, HEADER)
        if event is None:
            return False
        start, tag = event.span("summary")
        held = _HELD.match(glimpse, tag + glimpse[tag - 1])
        if held is None or not _fills(glimpse, start, HEADER + length, held.end()):
            return False
        self.tags.setdefault(glimpse[tag : held.start()], glimpse[held.start()])
        if len(self._known) == _MOST_KNOWN:
            self._known.clear()
        size = held.end() - start
        known_size, forms = self._known.get(length - start, _NONE)
        if known_size != size or len(forms) == _MOST_KNOWN:
            forms = set()
        self._known[length - start] = size, forms | {glimpse[start : held.end()]}
        return True


def _fills(glimpse: bytes, start: int, stop: int, content: int) -> bool:
    """Whether summary, value and held field each end where the event does."""
    size, at = _varint(glimpse, start + 1)
    inner, value = _varint(glimpse, at + 1)
    held, _ = _varint(glimpse, content - _width(glimpse, content))
    return at + size == stop and value + inner == stop and content + held == stop


def _width(glimpse: bytes, end: int) -> int:
    """How many bytes the varint has that ends before `end`."""
    width = 1
    while glimpse[end - width - 1] >= 0x80:
        width += 1
    return width


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The varint at a place, and where it ends."""
    value = shift = 0
    while data[at] >= 0x80:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
    return value | data[at] << shift, at + 1
