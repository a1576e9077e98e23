"""Makes one run of logs that lie in one directory and tell of the same training."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gradcheck.model import IntArray, Run, Series

_CLOSE = 0.01  # text formats keep few digits


def merge(runs: Sequence[Run]) -> list[Run]:
    """Join the logs whose common series agree to the fullest of them; leave the rest alone."""
    merged: list[Run] = []
    for run in sorted(runs, key=_fullness, reverse=True):
        same = next((i for i, main in enumerate(merged) if _agree(main, run)), None)
        if same is None:
            merged.append(run)
        else:
            merged[same] = _with_new_series(merged[same], run)
    return merged


def _fullness(run: Run) -> tuple[bool, int]:
    return any(series.wall is not None for series in run.series), run.points


def _agree(main: Run, other: Run) -> bool:
    """Whether at least half of the points that both have are equal."""
    named = {series.name: series for series in main.series}
    equal = [_equal(named[s.name], s) for s in other.series if s.name in named]
    points = np.concatenate([np.zeros(0, dtype=np.bool_), *equal])
    return len(points) > 0 and bool(points.mean() >= 0.5)


def _equal(one: Series, other: Series) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    # The last point of a step: a table is often rewritten by a restart, an event file never.
    _, mine, its = np.intersect1d(one.step[::-1], other.step[::-1], return_indices=True)
    return np.isclose(one.value[::-1][mine], other.value[::-1][its], rtol=_CLOSE, equal_nan=True)


def _with_new_series(main: Run, other: Run) -> Run:
    known = {series.name for series in main.series}
    new = [series for series in other.series if series.name not in known]
    moved = tuple(dataclasses.replace(s, order=_order_in(main, s.step)) for s in new)
    added = f"; added from it: {', '.join(s.name for s in new)}" if new else ""
    note = f"{other.path.name} ({other.format}) logs the same run{added}"
    return dataclasses.replace(
        main,
        series=main.series + moved,
        notes=(*main.notes, *(other.notes if new else ()), note),
        hparams={**other.hparams, **main.hparams},
    )


def _order_in(run: Run, step: IntArray) -> IntArray:
    """Where in a run's own order of points these steps would have been logged."""
    orders = np.concatenate([series.order for series in run.series])
    steps = np.concatenate([series.step for series in run.series])
    written = np.argsort(orders, kind="stable")
    reached = np.maximum.accumulate(steps[written])
    place = np.searchsorted(reached, step, side="right") - 1
    return orders[written][np.maximum(place, 0)]
