"""Reads the scalars of many events at once, by the bytes that all events of a tag share.

An event's wall time and step come first. Of the rest, its tail, all bytes but those of the
numbers recur with every point: such a pattern is learnt from one event, decoded field by field,
and then recognised in all others.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from gradcheck.model import FloatArray, IntArray

SlotArray = npt.NDArray[np.int32]
"""Numbers that stand for tags."""
_WordArray = npt.NDArray[np.uint64]
_BoolArray = npt.NDArray[np.bool_]

LONGEST = (1 << 16) - 1
_SHORTEST = 8  # bytes, one word
_MOST_LAYOUTS = 8  # of one length
_DTYPES = {"f": "<f4", "d": "<f8", "e": "<f2", "bfloat16": "<u2", "?": "u1", "b": "i1", "B": "u1",
           "h": "<i2", "H": "<u2", "i": "<i4", "I": "<u4", "q": "<i8", "Q": "<u8"}  # fmt: skip


class Bytes:
    """Some bytes, to be read at many positions at once; none may reach beyond their end."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def at(self, positions: IntArray, dtype: str) -> npt.NDArray[np.generic]:
        """The numbers of a type that begin at each position, aligned or not."""
        size = max(len(self.data) - np.dtype(dtype).itemsize + 1, 0)
        found: npt.NDArray[np.generic] = np.ndarray((size,), dtype, self.data, strides=(1,))
        return found[positions]

    def words(self, positions: IntArray) -> _WordArray:
        """The eight bytes from each position."""
        return self.at(positions, "<u8").view(np.uint64)

    def numbers(self, positions: IntArray, code: str) -> FloatArray:
        """The numbers stored at each position, by the code of their encoding."""
        raw = self.at(positions, _DTYPES[code])
        if code == "bfloat16":
            raw = (raw.astype(np.uint32) << 16).view(np.float32)
        elif code == "?":
            raw = raw != 0
        with np.errstate(invalid="ignore"):  # a NaN of the signalling kind
            return raw.astype(np.float64)


class Place(NamedTuple):
    """Where a number is in a tail, and how it is stored there."""

    at: int
    code: str


class Found(NamedTuple):
    """The events in which patterns were recognised: one number of each."""

    events: IntArray
    slots: SlotArray
    values: FloatArray


class Shapes:
    """The patterns learnt so far."""

    def __init__(self) -> None:
        self._layouts: dict[int, dict[tuple[Place, ...], _Layout]] = {}

    def learn(self, tail: bytes, places: Sequence[Place], slots: Sequence[int]) -> bool:
        """Learn a pattern from one tail, with the slot of each number; False if it is known."""
        if not places or not _SHORTEST <= len(tail) <= LONGEST:
            return False
        layouts = self._layouts.setdefault(len(tail), {})
        layout = layouts.get(tuple(places))
        if layout is None:
            if len(layouts) == _MOST_LAYOUTS:
                return False
            layout = layouts[tuple(places)] = _Layout(len(tail), tuple(places))
        return layout.learn(tail, slots)

    def match(
        self, source: Bytes, tails: IntArray, lengths: IntArray, index: IntArray
    ) -> tuple[list[list[Found]], IntArray]:
        """What is recognised in the tails that `index` selects, and the index of the rest.

        Of several numbers in one event, the lists hold first the first of each, and so on.
        """
        order = index[np.argsort(lengths[index].astype(np.uint16), kind="stable")]
        bounds = [0, *(np.flatnonzero(np.diff(lengths[order])) + 1).tolist(), len(order)]
        matched: list[list[Found]] = []
        rest: list[IntArray] = [order[:0]]
        for start, stop in itertools.pairwise(bounds):
            group = order[start:stop]
            layouts = self._layouts.get(int(lengths[order[start]]), {}) if len(group) else {}
            for layout in layouts.values():
                if len(group):
                    found, group = layout.match(source, tails[group], group)
                    matched.append(found)
            rest.append(group)
        return matched, np.concatenate(rest)


class _Layout:
    """The patterns of one length whose numbers are at the same places."""

    def __init__(self, length: int, places: tuple[Place, ...]) -> None:
        self._places = places
        self._sizes = [np.dtype(_DTYPES[place.code]).itemsize for place in places]
        offsets = np.array([*range(0, length - 8, 8), length - 8])  # the last two may overlap
        masks = Bytes(self._blank(b"\xff" * length)).words(offsets)
        self._offsets = offsets[masks != 0][:, None]
        self._masks = masks[masks != 0][:, None]
        # Which patterns share a hash must not be for the writer of a file to choose.
        factors = [random.SystemRandom().getrandbits(64) | 1 for _ in self._masks]
        self._factors = np.array(factors, dtype=np.uint64)[:, None]
        self._known: dict[bytes, Sequence[int]] = {}
        self._asked = 0
        self._compile()

    def learn(self, tail: bytes, slots: Sequence[int]) -> bool:
        self._asked += 1
        return self._known.setdefault(self._blank(tail), slots) is slots

    def match(
        self, source: Bytes, tails: IntArray, index: IntArray
    ) -> tuple[list[Found], IntArray]:
        """What is recognised in some tails, whose `index` is given, and the index of the rest."""
        count = len(self._hashes)
        # A file may have as many patterns as events: to sort them again must have paid off.
        if len(self._known) > count and self._asked > count // 16:
            self._compile()
        words = source.words(self._offsets + tails) & self._masks
        which = np.zeros(len(tails), dtype=np.int64)
        if len(self._hashes) > 1:
            which = np.searchsorted(self._hashes, self._hash(words))
            np.minimum(which, len(self._hashes) - 1, out=which)
        # Equal hashes prove nothing: the bytes decide.
        same = (words == self._patterns[:, which]).all(axis=0)
        rest = index[:0]
        if not same.all():
            index, rest, tails, which = index[same], index[~same], tails[same], which[same]
        found = [
            Found(index, slots[which], source.numbers(tails + place.at, place.code))
            for place, slots in zip(self._places, self._slots, strict=True)
        ]
        return found, rest

    def _compile(self) -> None:
        """Sort the known patterns by their hashes."""
        tails = Bytes(b"".join(self._known))
        starts = np.arange(len(self._known)) * (int(self._offsets[-1, 0]) + 8)
        patterns = tails.words(self._offsets + starts) & self._masks
        hashes = self._hash(patterns)
        order = np.argsort(hashes)
        self._hashes, self._patterns = hashes[order], patterns[:, order]
        slots = np.array([*self._known.values()], dtype=np.int32)
        self._slots = slots.reshape(-1, len(self._places)).T[:, order]
        self._asked = 0

    def _hash(self, words: _WordArray) -> _WordArray:
        found: _WordArray = (words * self._factors).sum(axis=0, dtype=np.uint64)
        return found

    def _blank(self, tail: bytes) -> bytes:
        """A tail with zeros in place of its numbers."""
        blank = bytearray(tail)
        for place, size in zip(self._places, self._sizes, strict=True):
            blank[place.at : place.at + size] = bytes(size)
        return bytes(blank)
