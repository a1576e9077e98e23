"""Splits a `.wandb` file into its records: 32 KiB blocks of chunks, framed as a LevelDB log."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

IDENT = b":W&B"
FILE_HEADER = 7
"""The bytes before the first chunk: the ident, a magic number and a version."""
_BLOCK = 1 << 15
_HEADER = struct.Struct("<IHB")
_LENGTH_AND_KIND = struct.Struct("<HB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_KINDS = range(_FULL, _LAST + 1)
_KIND = re.compile(rb"[\1-\4]")
_KIND_AT = 6
# What the searches through the damaged blocks of a file may cost, in bytes put to the checksum:
# a real one takes a megabyte at most, and a file made to look like nothing but headers two seconds.
_SEARCHED = 1 << 28
_EACH_CANDIDATE = 256


class Record(NamedTuple):
    """The bytes [start, stop) of the file: a record, or damage where there is no payload."""

    start: int
    stop: int
    payload: bytes | None


def read_records(file: BinaryIO) -> Iterator[Record]:
    """The records of a file and the byte ranges lost between them, in order.

    A record costs no more than its own damage. A last record cut short is left out without a word:
    the run was killed while it wrote, or is still writing.
    """
    yield from _coalesced(_assembled(_chunks(file)))


class _Chunk(NamedTuple):
    start: int
    stop: int
    kind: int  # 0 where the bytes are damaged
    payload: bytes


def _chunks(file: BinaryIO) -> Iterator[_Chunk]:
    search = _Search()
    start = 0
    while block := file.read(_BLOCK):
        offset = 0 if start else FILE_HEADER
        if not start and not block.startswith(IDENT):
            yield _Chunk(0, min(FILE_HEADER, len(block)), 0, b"")
        for chunk in _in_block(block, offset, search):
            yield chunk._replace(start=start + chunk.start, stop=start + chunk.stop)
        start += len(block)


def _in_block(block: bytes, offset: int, search: _Search) -> Iterator[_Chunk]:
    while offset + _HEADER.size <= len(block):
        chunk = _chunk_at(block, offset)
        if chunk is None and _is_cut_short(block, offset):
            found = search.find(block, offset + 1)
            if found is None:
                return
        elif chunk is None:
            found = search.find(block, offset + 1)
        else:
            yield chunk
            offset = chunk.stop
            continue
        stop = len(block) if found is None else found
        yield _Chunk(offset, stop, 0, b"")
        offset = stop


def _chunk_at(block: bytes, offset: int) -> _Chunk | None:
    crc, length, kind = _HEADER.unpack_from(block, offset)
    stop = offset + _HEADER.size + length
    if kind not in _KINDS or stop > len(block):
        return None
    if zlib.crc32(memoryview(block)[offset + _KIND_AT : stop]) != crc:
        return None
    return _Chunk(offset, stop, kind, block[offset + _HEADER.size : stop])


def _is_cut_short(block: bytes, offset: int) -> bool:
    """Whether the file, and not the chunk, may be what ends too early."""
    length, kind = _LENGTH_AND_KIND.unpack_from(block, offset + 4)
    stop = offset + _HEADER.size + int(length)
    return len(block) < stop <= _BLOCK and kind in _KINDS


@dataclass
class _Search:
    """Finds the next chunk in damaged bytes, until it has cost too much."""

    left: int = _SEARCHED

    def find(self, block: bytes, start: int) -> int | None:
        for match in _KIND.finditer(block, start + _KIND_AT):
            offset = match.start() - _KIND_AT
            length = block[offset + 4] | block[offset + 5] << 8
            if offset + _HEADER.size + length > len(block):
                continue
            self.left -= length + _EACH_CANDIDATE
            if self.left < 0:
                return None
            if _chunk_at(block, offset) is not None:
                return offset
        return None


def _assembled(chunks: Iterable[_Chunk]) -> Iterator[Record]:
    """Join the chunks of each record; a record that lacks one is lost as a whole."""
    parts: list[bytes] = []
    begun = 0
    for start, stop, kind, payload in chunks:
        if parts and kind not in (_MIDDLE, _LAST):
            yield Record(begun, start, None)
            parts = []
        if kind == _FULL:
            yield Record(start, stop, payload)
        elif kind == _FIRST:
            begun, parts = start, [payload]
        elif not parts:
            yield Record(start, stop, None)
        else:
            parts.append(payload)
            if kind == _LAST:
                yield Record(begun, stop, b"".join(parts))
                parts = []


def _coalesced(records: Iterable[Record]) -> Iterator[Record]:
    """Join the lost ranges that follow one another, but for the padding of a block."""
    lost: Record | None = None
    for record in records:
        if record.payload is None:
            joins = lost is not None and record.start - lost.stop < _HEADER.size
            if lost is not None and not joins:
                yield lost
            lost = Record(lost.start if lost and joins else record.start, record.stop, None)
            continue
        if lost is not None:
            yield lost
            lost = None
        yield record
    if lost is not None:
        yield lost
