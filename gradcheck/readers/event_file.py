"""Reads the bytes of one TensorBoard event file into one column per tag, every point kept."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from gradcheck.model import FloatArray, IntArray
from gradcheck.readers import event_wire
from gradcheck.readers.byte_source import ByteSource
from gradcheck.readers.event_batch import Silent
from gradcheck.readers.event_columns import Column
from gradcheck.readers.event_condense import Damaged, condense
from gradcheck.readers.event_decoder import Decoder
from gradcheck.readers.record_file import WINDOW, LargeRecord, Passed, RecordFile, Records
from gradcheck.readers.record_headers import FOOTER, HEADER

_ENOUGH = 1024  # records that are worth a batch of their own


@dataclass(frozen=True, eq=False)
class EventFile:
    """What one event file holds."""

    columns: Mapping[str, Column]
    walls: FloatArray
    """Wall-clock time of each record, whatever it holds."""
    skipped: Mapping[str, int]
    """How many tags hold something other than scalars, by kind (images, graphs, ...).

    A tag counts once; if it holds several kinds, under any of them.
    """
    hparams: Mapping[str, object]
    lost: tuple[tuple[int, int], ...]
    """Byte ranges that could not be read; a last record cut short does not count."""


def read_events(
    source: ByteSource, *, window: int = WINDOW, head: int | None = None, verify: bool = False
) -> EventFile:
    """Read one event file; damage costs no more than the records it touches.

    At most about `window` bytes are held at a time, and what cannot hold a scalar is passed over.
    With `head`, stop after about so many bytes. With `verify`, compare each payload with its
    checksum, and give up those that differ.

    Raises:
        UsageError: `verify` needs a package that is not installed.
        OSError: the source cannot be read.
    """
    records = RecordFile(source, window=window, head=head, verify=verify)
    reading = _Reading(source, records, window)
    for one in records:
        reading.add(one)
    return reading.result()


class _Piece(NamedTuple):
    """A part of the file among the bytes that wait to be decoded."""

    at: int
    """Where it begins among them; a large record is shorter there than in the file."""
    start: int
    """Where it begins in the file."""
    stop: int


class _Reading:
    """Hands records to the decoder, few ones together: a batch costs as much as 100 records."""

    def __init__(self, source: ByteSource, records: RecordFile, window: int) -> None:
        self._source = source
        self._records = records
        self._window = window
        self._decoder = Decoder()
        self._data = bytearray()
        self._heads: list[int] = []
        self._pieces: list[_Piece] = []
        self._passed = Silent()

    def add(self, found: Records | LargeRecord | Passed) -> None:
        if isinstance(found, Passed):
            self._passed.add(len(self._heads), found.walls)
        elif isinstance(found, LargeRecord):
            self._add_large(found)
        elif len(found.heads) < _ENOUGH:
            first = int(found.heads[0])
            piece = _Piece(len(self._data), found.offset + first, found.offset + found.end)
            self._wait(piece, found.data[first : found.end], [n - first for n in found.heads])
        else:
            self._flush()
            whole = _Piece(0, found.offset, found.offset + found.end)
            self._decode(found.data, np.asarray(found.heads), found.end, [whole])

    def _add_large(self, found: LargeRecord) -> None:
        start, stop = found.start + HEADER, found.stop - FOOTER
        try:
            payload = condense(self._source, start, stop, found.beginning)
        except Damaged:
            self._records.give_up(found.start, found.stop)
            return
        piece = _Piece(len(self._data), found.start, found.stop)
        self._wait(piece, bytes(HEADER) + payload + bytes(FOOTER), [0])

    def _wait(self, piece: _Piece, data: bytes, heads: list[int]) -> None:
        self._pieces.append(piece)
        self._heads.extend([piece.at + head for head in heads])
        self._data += data
        if len(self._data) > self._window:
            self._flush()

    def _flush(self) -> None:
        if self._heads or self._passed:
            data, pieces = bytes(self._data), self._pieces
            heads = np.array(self._heads, dtype=np.int64)
            self._data, self._heads, self._pieces = bytearray(), [], []
            self._decode(data, heads, len(data), pieces)

    def _decode(self, data: bytes, heads: IntArray, end: int, pieces: list[_Piece]) -> None:
        passed, self._passed = self._passed, Silent()
        for index in self._decoder.decode(data, heads, end, passed):
            bounds = [int(head) for head in heads[index : index + 2]]
            start, stop = bounds if len(bounds) == 2 else (bounds[0], end)
            n = bisect_right(pieces, start, key=lambda piece: piece.at) - 1
            piece = pieces[n]
            last = stop == (pieces[n + 1].at if n + 1 < len(pieces) else end)
            shift = piece.start - piece.at
            self._records.give_up(start + shift, piece.stop if last else stop + shift)

    def result(self) -> EventFile:
        self._flush()
        for tag, key in self._records.glimpses.tags.items():
            self._decoder.others.setdefault(tag, event_wire.kind(key))
        columns, walls = self._decoder.columns.result()
        return EventFile(
            columns,
            walls,
            Counter(self._decoder.others.values()),
            self._decoder.hparams,
            self._records.lost,
        )
