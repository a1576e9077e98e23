"""Finds the events that hold one value of the oldest and plainest form, whatever its tag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gradcheck.model import IntArray
from gradcheck.readers.event_batch import Batch, varints

_SUMMARY, _VALUE, _TAG, _SIMPLE_VALUE = 0x2A, 0x0A, 0x0A, 0x15
_OTHERS = (0x22, 0x2A, 0x32)  # image, histogram, audio
_REACH = 9  # a key and the eight bytes that hold the length behind it

_BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Singles:
    """Events with one value: a tag, and then a number or something that is none."""

    index: IntArray
    tag_start: IntArray
    tag_stop: IntArray
    """Where the tag ends, and the key of what is tagged stands."""
    is_number: _BoolArray
    rest: IntArray
    """The index of other events."""

    def tags(self, which: _BoolArray, data: bytes) -> list[bytes]:
        """The tags of some, each with the key behind it."""
        starts, stops = self.tag_start[which].tolist(), (self.tag_stop[which] + 1).tolist()
        return [data[start:stop] for start, stop in zip(starts, stops, strict=True)]


def find(batch: Batch, index: IntArray) -> Singles:
    """Look for such events among those that `index` selects."""
    stops = batch.stops[index]
    summary = _Fields(batch, batch.tails[index])
    value = _Fields(batch, summary.content)
    tag = _Fields(batch, value.content)
    held = _Fields(batch, tag.content + tag.length)
    form = (summary.key == _SUMMARY) & (value.key == _VALUE) & (tag.key == _TAG)
    form &= (summary.stop == stops) & (value.stop == stops)
    number = form & (held.key == _SIMPLE_VALUE) & (held.at + 5 == stops)
    other = form & np.isin(held.key, _OTHERS) & (held.stop == stops)
    either = number | other
    return Singles(
        index[either], tag.content[either], held.at[either], number[either], index[~either]
    )


class _Fields:
    """The fields that begin at some places, each with a length; key 0 if there is none."""

    def __init__(self, batch: Batch, at: IntArray) -> None:
        inside = np.minimum(at, len(batch.data) - _REACH)
        length, width = varints(batch.source.words(inside + 1))
        self.at = at
        self.key = batch.source.at(inside, "u1").astype(np.int64)
        self.key[inside != at] = 0
        self.length = np.where(width > 0, length, 0)
        self.content = at + 1 + width
        self.stop = np.where(width > 0, self.content + length, -1)
