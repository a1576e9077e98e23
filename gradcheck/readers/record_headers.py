"""Finds the headers of TFRecord records among bytes: a length and the checksum of that length."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from gradcheck.model import IntArray
from gradcheck.readers import crc32c

HEADER = 12
FOOTER = 4
OVERHEAD = HEADER + FOOTER

_WALL_TIME = 0x09  # the key with which nearly every event begins
_EMPTY_CRC = crc32c.length_crc(0) & 0xFF
_BLOCK = 1 << 17  # so many bytes and what is derived from them stay in the cache

_Bytes = npt.NDArray[np.uint8]
_Search = Callable[[_Bytes], IntArray]


class Headers:
    """Where headers are in some bytes of a file; each search is done when first asked for."""

    def __init__(self, data: bytes) -> None:
        self._bytes = data

    def chain(self, start: int) -> tuple[IntArray, int]:
        """The short events that follow each other from `start`, each with a header behind it.

        With them where the next record begins.
        """
        heads, breaks = self._links
        first = int(np.searchsorted(heads, start))
        if first == len(heads) or heads[first] != start:
            return heads[:0], start
        last = int(breaks[np.searchsorted(breaks, first)])
        return heads[first:last], int(heads[last])

    def after(self, start: int) -> int | None:
        """Where the first header at or behind `start` begins, whatever the record holds."""
        found = int(np.searchsorted(self._all, start))
        return int(self._all[found]) if found < len(self._all) else None

    @functools.cached_property
    def _words(self) -> crc32c.UInt32Array:
        """The four bytes from each offset."""
        return np.ndarray((max(len(self._bytes) - 3, 0),), "<u4", self._bytes, strides=(1,))

    @functools.cached_property
    def _links(self) -> tuple[IntArray, IntArray]:
        """The headers of short events, and which of them, by index, have none right behind."""
        heads = self._valid(_maybe_short_events)
        stops = heads + self._words[heads] + OVERHEAD
        last = np.ones(len(heads), dtype=bool)
        np.not_equal(stops[:-1], heads[1:], out=last[:-1])
        return heads, np.flatnonzero(last)

    @functools.cached_property
    def _all(self) -> IntArray:
        return self._valid(_maybe_headers)

    def _valid(self, search: _Search) -> IntArray:
        """The offsets that `search` proposes and whose checksum is right."""
        data = np.frombuffer(self._bytes, dtype=np.uint8)
        found = [np.empty(0, dtype=np.int64)]
        for start in range(0, len(data) - HEADER + 1, _BLOCK):
            heads = start + search(data[start : start + _BLOCK + HEADER])
            found.append(heads[self._is_header(heads)])
        return np.concatenate(found)

    def _is_header(self, heads: IntArray) -> npt.NDArray[np.bool_]:
        crcs = crc32c.length_crcs(self._words[heads])
        right: npt.NDArray[np.bool_] = crcs == self._words[heads + 8]
        right &= self._words[heads + 4] == 0
        return right


def _maybe_short_events(data: _Bytes) -> IntArray:
    """Where a length below 2048 may stand, and behind the header an event's wall time."""
    size = len(data) - HEADER
    unlike = data[2 : size + 2] | data[5 : size + 5] | (data[1 : size + 1] & 0xF8)
    unlike |= data[HEADER : size + HEADER] ^ _WALL_TIME
    return np.flatnonzero(unlike == 0)


def _maybe_headers(data: _Bytes) -> IntArray:
    """Where a length below 4 GiB may stand; holes full of zeros are sorted out at once."""
    size = min(len(data) - HEADER + 1, _BLOCK)
    byte = [data[n : size + n] for n in range(9)]
    small = (byte[4] | byte[5] | byte[6] | byte[7]) == 0
    small &= ((byte[0] | byte[1] | byte[2] | byte[3]) != 0) | (byte[8] == _EMPTY_CRC)
    return np.flatnonzero(small)
