"""Thins a series for a plot that can be zoomed: fewer points, and no spike, edge or NaN lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradcheck.model import FloatArray, IntArray, Series

PER_BUCKET = 7
"""First, last, lowest and highest finite row, and one row for each kind of non-finite value."""
MOST_ATTEMPTS = 6
"""With more rewinds than this the step is no clock, and the points are put in order of it."""


@dataclass(frozen=True)
class Stretch:
    """Points whose step never goes back, as columns of one length."""

    step: IntArray
    value: FloatArray


def outline(series: Series, most: int) -> list[Stretch]:
    """At most about `most` points of a series, one stretch for each time its step started over."""
    starts = np.flatnonzero(series.step[1:] < series.step[:-1]) + 1
    order = np.arange(len(series))
    if len(starts) >= MOST_ATTEMPTS:
        order, starts = np.argsort(series.step, kind="stable"), starts[:0]
    kept = telling_rows(series.value[order], most // PER_BUCKET)
    # An attempt shows its ends even where it is shorter than a bucket.
    ends = np.concatenate([starts, starts - 1])
    rows = np.union1d(kept, ends)
    parts = np.split(order[rows], np.searchsorted(rows, starts))
    return [Stretch(series.step[part], series.value[part]) for part in parts if len(part)]


def telling_rows(values: FloatArray, buckets: int) -> IntArray:
    """The rows to keep of a column, in order: all if they are few, else some of each bucket."""
    if len(values) <= PER_BUCKET * max(buckets, 1):
        return np.arange(len(values))
    edges = np.linspace(0, len(values), max(buckets, 1) + 1).astype(np.int64)
    kept = {
        first + row
        for first, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        for row in _extremes(values[first:stop])
    }
    return np.array(sorted(kept), dtype=np.int64)


def _extremes(values: FloatArray) -> Iterator[int]:
    """The rows of a bucket without which the curve would look different."""
    finite = np.flatnonzero(np.isfinite(values))
    if len(finite):
        part = values[finite]
        yield from (int(finite[row]) for row in (0, -1, part.argmin(), part.argmax()))
    if len(finite) < len(values):
        for lost in (np.isnan(values), np.isposinf(values), np.isneginf(values)):
            yield from np.flatnonzero(lost)[:1].tolist()
