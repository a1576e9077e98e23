"""Cuts a log into attempts where its step starts over, and finds where it steps back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gradcheck.measure.stretches import between
from gradcheck.model import Role, Run, Series


@dataclass(frozen=True)
class Rewind:
    """A place where the step goes back: from `left` to `resumed`, at position `order`."""

    order: int
    left: int
    resumed: int
    restart: bool
    """True where it went back to the first step: another attempt, not a resume."""


def clock(run: Run) -> Series | None:
    """The series that tells the run's time: its loss, or else its longest one."""
    return run.get(Role.LOSS) or max(run.series, key=len, default=None)


def rewinds(run: Run) -> Iterator[Rewind]:
    """Every place where the step of the run's clock goes back."""
    series = clock(run)
    if series is None or len(series) < 2:
        return
    first = int(series.step[0])
    stride = int(np.median(np.abs(np.diff(series.step))))
    for row in np.flatnonzero(np.diff(series.step) < 0) + 1:
        resumed = int(series.step[row])
        yield Rewind(
            order=int(series.order[row]),
            left=int(series.step[row - 1]),
            resumed=resumed,
            restart=resumed <= first + stride,
        )


def attempts(run: Run) -> list[Run]:
    """The attempts that a log holds, in order: one, unless its step starts over."""
    cuts = [rewind.order for rewind in rewinds(run) if rewind.restart]
    if not cuts:
        return [run]
    edges = [np.iinfo(np.int64).min, *cuts, np.iinfo(np.int64).max]
    return [_part(run, int(first), int(end) - 1) for first, end in pairwise(edges)]


def _part(run: Run, first: int, last: int) -> Run:
    kept = (between(series, first, last) for series in run.series)
    return replace(run, series=tuple(series for series in kept if len(series)))
