"""Sums up the points of a log, so that two readers can be held against one another."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tests.bench.columns import Columns

_CHUNK = 1 << 16


class Digest(NamedTuple):
    """How many points there are, and a sum that changes with any of them but not their order."""

    points: int
    checksum: int

    def __or__(self, other: Digest) -> Digest:
        total = (self.checksum + other.checksum) % (1 << 64)
        return Digest(self.points + other.points, total)


NONE = Digest(0, 0)


def digest(columns: Columns) -> Digest:
    """The digest of all finite points, in single precision.

    Only finite ones: pandas does not tell a blank cell from a NaN.
    """
    total = NONE
    for steps, values in columns:
        for first in range(0, len(steps), _CHUNK):
            cut = slice(first, first + _CHUNK)
            total |= _digest(np.asarray(steps[cut]), np.asarray(values[cut]))
    return total


def _digest(step: Any, value: Any) -> Digest:
    finite = np.isfinite(value.astype(np.float64))
    bits = value[finite].astype(np.float32).view(np.uint32).astype(np.uint64)
    mixed = step[finite].astype(np.int64).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ bits
    for shift, factor in ((31, 0xBF58476D1CE4E5B9), (29, 0x94D049BB133111EB)):
        mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    return Digest(int(finite.sum()), int(mixed.sum(dtype=np.uint64)))
