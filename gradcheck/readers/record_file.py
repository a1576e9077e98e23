"""Finds the records of a TFRecord file, past payloads too big to read and past damage."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from gradcheck.model import IntArray
from gradcheck.readers import crc32c
from gradcheck.readers.byte_source import ByteSource
from gradcheck.readers.event_glimpse import LONG, Glimpses
from gradcheck.readers.record_headers import FOOTER, HEADER, OVERHEAD, Headers

WINDOW = 1 << 20
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_LEAST_WINDOW = 1 << 14
_LARGE = 1 << 15
_BEGINNING = 1 << 12
_WALKED = 128
_DENSE = 512  # bytes a record: below, numpy finds headers faster than a walk
_CHECKED_AT_ONCE = 1024
_CRC_CHUNK = 1 << 20
_CHECKED_AT_THE_END = 1 << 16


@dataclass(frozen=True, eq=False)
class Records:
    """Records that follow one another without a gap."""

    data: bytes
    offset: int
    """Where `data` begins in the file."""
    heads: Sequence[int] | IntArray
    """Where in `data` each record begins, with a header of 12 bytes."""
    end: int
    """Where in `data` the last one ends, with a footer of 4 bytes."""


@dataclass(frozen=True)
class LargeRecord:
    """A record of which only the beginning was read."""

    start: int
    """Where in the file it begins, with a header of 12 bytes."""
    stop: int
    """Where in the file it ends, with a footer of 4 bytes."""
    beginning: bytes
    """The first bytes of its payload."""


@dataclass(frozen=True)
class Passed:
    """Records one behind the other that hold nothing to decode."""

    walls: Sequence[float]
    """The wall time of each."""


class _Enough(Exception):
    """As much was read as was asked for."""


class RecordFile:
    """The records of a file, in order, to iterate over once.

    A record is kept if the length in its header matches the checksum there, and the header right
    behind it does too; failing that, if its payload matches its checksum. With `verify` it is
    this last that counts. What is not kept goes into `lost`. Of a file that shrinks while it is
    read, what was read is kept: it is like one that was cut before.
    """

    def __init__(
        self,
        source: ByteSource,
        *,
        window: int = WINDOW,
        head: int | None = None,
        verify: bool = False,
    ) -> None:
        """Hold at most about `window` bytes at a time; with `head`, stop after about so many.

        Raises:
            UsageError: `verify` needs a package that is not installed.
        """
        self._lost: list[tuple[int, int]] = []
        self._source = source
        self._size = source.size
        self._window = window if head is None else min(window, _LEAST_WINDOW)
        self._next = min(window, _LEAST_WINDOW)
        self._unread = math.inf if head is None else head
        self._verify = verify
        self._may_pass = head is None and not verify
        self.glimpses = Glimpses()
        self._extend = crc32c.library_extend() if verify else crc32c.extend
        # A crafted file must not ask for the checksum of the same bytes again and again.
        self._crc_budget = source.size + _CRC_CHUNK
        self._base = 0
        self._data = b""
        self._headers = Headers(b"")

    def __iter__(self) -> Iterator[Records | LargeRecord | Passed]:
        with suppress(_Enough):
            yield from self._records()
        if self._size < self._source.size:
            self.give_up(self._size, self._source.size)

    def _records(self) -> Iterator[Records | LargeRecord | Passed]:
        at = 0
        while True:
            walls, at = self._pass_over(at)
            if walls:
                yield Passed(walls)
            if not self._hold(at):
                break
            heads, end = self._chain(at - self._base)
            if len(heads):
                yield Records(self._data, self._base, heads, end)
                at = self._base + end
                continue
            stop = self._stop(at)
            if stop is not None and self._hold_small(at, stop):
                continue
            if stop is not None and stop <= self._size and self._is_kept(at, stop):
                yield self._record(at, stop)
                at = stop
                continue
            at = self._resume(at, stop)

    def _pass_over(self, at: int) -> tuple[Sequence[float], int]:
        if not self._may_pass:
            return (), at
        return self.glimpses.pass_over(self._source, at, self._size)

    def give_up(self, start: int, stop: int) -> None:
        """Note a byte range as lost."""
        self._lost.append((start, stop))

    @property
    def lost(self) -> tuple[tuple[int, int], ...]:
        """Byte ranges without a usable record; a last record cut short does not count."""
        merged: list[tuple[int, int]] = []
        for start, stop in sorted(self._lost):
            if merged and merged[-1][1] == start:
                start = merged.pop()[0]
            merged.append((start, stop))
        return tuple(merged)

    def _hold(self, at: int, size: int = HEADER) -> bool:
        """Have the bytes from `at` in the window, up to the end of the file; False where none."""
        if at + HEADER > self._size:
            return False
        if self._base <= at and min(at + size, self._size) <= self._base + len(self._data):
            return True
        if self._unread <= 0:
            raise _Enough
        follows = self._base <= at <= self._base + len(self._data)
        # Between big payloads that are passed over, a long window would read much of them.
        wanted = self._next * 4 if follows else self._next // 2
        self._next = min(max(wanted, _LEAST_WINDOW), self._window)
        length = min(max(self._next, size), self._size - at)
        self._data = self._source.read(at, length)
        self._base = at
        self._headers = Headers(self._data)
        self._unread -= length
        if len(self._data) < length:
            self._size = at + len(self._data)
        return len(self._data) >= HEADER

    def _chain(self, start: int) -> tuple[Sequence[int] | IntArray, int]:
        """The records from `start` in the window that have a header right behind them."""
        walked, end = self._walk(start)
        heads: Sequence[int] | IntArray = walked
        if len(walked) == _WALKED and end - start < _DENSE * _WALKED:
            scanned, end = self._headers.chain(end)
            heads = np.concatenate([walked, scanned]) if len(scanned) else walked
        return self._verified(heads, end) if self._verify else (heads, end)

    @staticmethod
    def _length(header: bytes) -> int | None:
        """The length that a header tells, None if there is no sound header."""
        if len(header) < HEADER:
            return None
        length, crc = _HEADER.unpack_from(header)
        return int(length) if crc32c.length_crc(length) == crc else None

    def _walk(self, start: int) -> tuple[list[int], int]:
        data, at, last = self._data, start, len(self._data) - HEADER
        heads: list[int] = []
        while at <= last and len(heads) <= _WALKED:
            length, crc = _HEADER.unpack_from(data, at)
            if crc32c.length_crc(length) != crc:
                break
            heads.append(at)
            if length >= LONG and len(heads) > 1 and self._may_pass:
                break
            at += length + OVERHEAD
        return heads, heads.pop() if heads else start

    def _verified(
        self, heads: Sequence[int] | IntArray, end: int
    ) -> tuple[Sequence[int] | IntArray, int]:
        """Those before the first whose payload does not match its checksum."""
        bounds = [*map(int, heads[:_CHECKED_AT_ONCE]), end]
        if len(heads) > _CHECKED_AT_ONCE:
            bounds[-1] = int(heads[_CHECKED_AT_ONCE])
        for n, (start, stop) in enumerate(itertools.pairwise(bounds)):
            crc = crc32c.mask(self._extend(0, self._data[start + HEADER : stop - FOOTER]))
            if crc != _FOOTER.unpack_from(self._data, stop - FOOTER)[0]:
                return heads[:n], start
        return heads[:_CHECKED_AT_ONCE], bounds[-1]

    def _stop(self, at: int) -> int | None:
        """Where the record at `at` ends, or None if there is no header."""
        inside = at - self._base
        if 0 <= inside <= len(self._data) - HEADER:
            header = self._data[inside : inside + HEADER]
        else:
            header = self._source.read(at, HEADER)
        length = self._length(header)
        return None if length is None else at + OVERHEAD + length

    def _hold_small(self, at: int, stop: int) -> bool:
        """Read on if a small record or the header behind it is not yet in the window."""
        needed = min(stop + HEADER, self._size)
        if needed <= self._base + len(self._data) or stop - at > min(_LARGE, self._window):
            return False
        return self._hold(at, needed - at)

    def _is_kept(self, at: int, stop: int) -> bool:
        last = stop + HEADER > self._size
        if not self._verify and (stop - at > _CHECKED_AT_THE_END if last else self._stop(stop)):
            return True
        return self._is_intact(at, stop)

    def _is_intact(self, at: int, stop: int) -> bool:
        """Whether the payload matches its checksum."""
        if not self._verify:
            self._crc_budget -= stop - at
            if self._crc_budget < 0:
                return False
        crc = 0
        for start in range(at + HEADER, stop - FOOTER, _CRC_CHUNK):
            crc = self._extend(crc, self._read(start, min(_CRC_CHUNK, stop - FOOTER - start)))
        return self._read(stop - FOOTER, FOOTER) == _FOOTER.pack(crc32c.mask(crc))

    def _read(self, at: int, size: int) -> bytes:
        inside = at - self._base
        if inside >= 0 and inside + size <= len(self._data):
            return self._data[inside : inside + size]
        return self._source.read(at, size)

    def _record(self, at: int, stop: int) -> Records | LargeRecord:
        head, end = at - self._base, stop - self._base
        if end <= len(self._data):
            return Records(self._data, self._base, [head], end)
        return LargeRecord(at, stop, self._data[head + HEADER : head + HEADER + _BEGINNING])

    def _resume(self, at: int, stop: int | None) -> int:
        """Where to go on behind a record that is not kept; it is lost unless it is only cut short.

        A hole inside a record makes it swallow the head of the next one, so the search begins
        within the record and not behind it.
        """
        found = self._next_header(at + 1)
        if stop is not None and stop > self._size:
            # It ends behind the end of the file: only another record inside it shows that it is
            # damaged and not merely unfinished.
            while found < self._size and not self._is_whole(found):
                found = self._next_header(found + 1)
            if found >= self._size:
                return self._size
        self.give_up(at, found)
        return found

    def _is_whole(self, at: int) -> bool:
        stop = self._stop(at)
        return stop is not None and stop <= self._size and self._is_intact(at, stop)

    def _next_header(self, at: int) -> int:
        while self._hold(at):
            found = self._headers.after(at - self._base)
            if found is not None:
                return self._base + found
            at = self._base + len(self._data) - HEADER + 1
        return self._size
