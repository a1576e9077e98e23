"""Cuts a log into attempts where another training begins, and finds where its step goes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from gradcheck.measure.stretches import between
from gradcheck.model import Role, Run, Series
from gradcheck.model.inside import OTHER_MODEL

_LAST = np.iinfo(np.int64).max


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
    """The attempts that a log holds, in order.

    One, unless its step starts over, or `watch` saw the training of another model begin.
    """
    restarts = {rewind.order for rewind in rewinds(run) if rewind.restart}
    cuts = sorted(restarts.union(_other_models(run)))
    if not cuts:
        return [run]
    edges = [np.iinfo(np.int64).min, *cuts, _LAST]
    return [_part(run, int(first), int(end) - 1) for first, end in pairwise(edges)]


def _other_models(run: Run) -> Iterator[int]:
    """The places of the first points of the steps from which another model is trained."""
    for seen in run.observations:
        if seen.key == OTHER_MODEL and seen.step is not None:
            places = [int(s.order[s.step >= seen.step].min(initial=_LAST)) for s in run.series]
            if min(places, default=_LAST) < _LAST:
                yield min(places)


def _part(run: Run, first: int, last: int) -> Run:
    kept = (between(series, first, last) for series in run.series)
    part = replace(run, series=tuple(series for series in kept if len(series)))
    if not any(seen.key == OTHER_MODEL for seen in run.observations) or not part.series:
        return part
    begin = min(int(series.step[0]) for series in part.series) - 1  # what led to it is of it
    end = max(int(series.step[-1]) for series in part.series)
    of_it = (seen for seen in run.observations if not seen.step or begin <= seen.step <= end)
    return replace(part, observations=tuple(of_it))
