"""Makes one run of logs that lie in one directory and tell of the same training."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gradcheck.model import FloatArray, IntArray, Role, Run, Series
from gradcheck.readers import role_names

_TELLING = frozenset({Role.LOSS, Role.VALIDATION_LOSS, Role.GRAD_NORM, Role.LAYER_GRAD_NORM})
_CLOSE = 0.01  # text formats keep few digits
_FEWEST = 3
_MOSTLY = 0.5
_MOST_NAMED = 6

BoolArray = npt.NDArray[np.bool_]


def merge(found: Sequence[tuple[Path, Run]]) -> list[Run]:
    """Join logs of different formats that tell of one run; `found` gives each its directory.

    They lie in one directory or one below the other, as a console log beside a tracker's files
    does, and their common series agree. The fullest one stays the run. A log of messages only,
    such as that of a crash, goes to the run beside it where there is just one.
    """
    told = [place for place in found if place[1].series]
    if len({run.format for _, run in found}) < 2:
        return [run for _, run in sorted(found, key=_by_path)]
    merged: list[tuple[Path, Run]] = []
    for directory, run in sorted(told, key=_by_fullness):
        same = next((i for i, main in enumerate(merged) if _is_one(main, (directory, run))), None)
        if same is None:
            merged.append((directory, run))
        else:
            merged[same] = merged[same][0], _with_new_series(merged[same][1], run)
    for directory, run in (place for place in found if not place[1].series):
        beside = [i for i, (other, _) in enumerate(merged) if _is_near(other, directory)]
        if len(beside) == 1:
            merged[beside[0]] = merged[beside[0]][0], _with_messages(merged[beside[0]][1], run)
        else:
            merged.append((directory, run))
    return [run for _, run in sorted(merged, key=_by_path)]


def _by_path(place: tuple[Path, Run]) -> str:
    return str(place[1].path)


def _by_fullness(place: tuple[Path, Run]) -> tuple[bool, int, str]:
    _, run = place
    timed = any(series.wall is not None for series in run.series)
    return not timed, -run.points, str(run.path)


def _is_one(main: tuple[Path, Run], other: tuple[Path, Run]) -> bool:
    different = main[1].format != other[1].format
    return different and _is_near(main[0], other[0]) and _agree(main[1], other[1])


def _is_near(one: Path, other: Path) -> bool:
    return one == other or one in other.parents or other in one.parents


def _agree(main: Run, other: Run) -> bool:
    """Whether logs of two formats have at least half of their common points equal.

    Losses and gradients decide where both have them: two runs may share a schedule.
    """
    twins = _twins(main, other)
    twins = [twin for twin in twins if role_names.meaning(twin[1].name).role in _TELLING] or twins
    aligned = [_equal_at_steps(main_one, one) for main_one, one in twins]
    if _mostly(aligned):
        return True
    # A console may show no step, or another than the tracker: then the values tell, in order.
    return _mostly([_equal_in_order(a, b) for a, b in twins if a.name != b.name])


def _twins(main: Run, other: Run) -> list[tuple[Series, Series]]:
    """The series that both logs have, under the same name or one that means the same."""
    named = {series.name: series for series in main.series}
    meant = {_meaning(series.name): series for series in reversed(main.series)}
    found = [
        (named.get(series.name) or meant.get(_meaning(series.name)), series)
        for series in other.series
    ]
    return [(ours, theirs) for ours, theirs in found if ours is not None]


def _meaning(name: str) -> tuple[str, ...]:
    """What a name says, less the words that one logger adds and another leaves out."""
    words = [word for word in role_names.tokens(name) if word not in role_names.TRAINING]
    if role_names.meaning(name).role is Role.OTHER:
        return (name,)
    validation = any(word in role_names.VALIDATION for word in words)
    rest = {word for word in words if word not in role_names.VALIDATION}
    return ("validation" if validation else "training", *sorted(rest))


def _mostly(equal: Sequence[BoolArray]) -> bool:
    points = np.concatenate([np.zeros(0, dtype=np.bool_), *equal])
    return len(points) > 0 and bool(points.mean() >= _MOSTLY)


def _equal_at_steps(one: Series, other: Series) -> BoolArray:
    # The last point of a step: a table is often rewritten by a restart, an event file never.
    _, mine, its = np.intersect1d(one.step[::-1], other.step[::-1], return_indices=True)
    return _close(one.value[::-1][mine], other.value[::-1][its])


def _equal_in_order(one: Series, other: Series) -> BoolArray:
    length = min(len(one), len(other))
    if length < _FEWEST or len(np.unique(other.value[:length])) < _FEWEST:
        return np.zeros(0, dtype=np.bool_)
    return _close(one.value[:length], other.value[:length])


def _close(one: FloatArray, other: FloatArray) -> BoolArray:
    return np.isclose(one, other, rtol=_CLOSE, equal_nan=True)


def _with_new_series(main: Run, other: Run) -> Run:
    known = {id(theirs) for _, theirs in _twins(main, other)}
    new = [series for series in other.series if id(series) not in known]
    moved = tuple(dataclasses.replace(s, order=_order_in(main, s.step)) for s in new)
    more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
    names = ", ".join(series.name for series in new[:_MOST_NAMED])
    added = f"; added from it: {names}{more}" if new else ""
    note = f"{other.path.name} ({other.format}) logs the same run{added}"
    return dataclasses.replace(
        _with_messages(main, other),
        series=main.series + moved,
        notes=(*main.notes, *(other.notes if new else ()), note),
        hparams={**other.hparams, **main.hparams},
    )


def _with_messages(main: Run, other: Run) -> Run:
    """Put the messages of another log where they fall in this run: at its end, if at all."""
    if not other.messages:
        return main
    lines = np.array([message.order for message in other.messages], dtype=np.int64)
    orders = _order_in(main, _steps_at(other, lines)) if other.series else None
    last = max(int(series.order.max()) for series in main.series)
    moved = tuple(
        dataclasses.replace(message, order=last if orders is None else int(orders[place]))
        for place, message in enumerate(other.messages)
    )
    return dataclasses.replace(main, messages=(*main.messages, *moved))


def _steps_at(run: Run, lines: IntArray) -> IntArray:
    """The step that a run had reached at these lines of its log."""
    orders, steps = _written(run)
    return steps[np.maximum(np.searchsorted(orders, lines, side="right") - 1, 0)]


def _written(run: Run) -> tuple[IntArray, IntArray]:
    """The orders of all points of a run, sorted, and the highest step up to each."""
    orders = np.concatenate([series.order for series in run.series])
    steps = np.concatenate([series.step for series in run.series])
    written = np.argsort(orders, kind="stable")
    return orders[written], np.maximum.accumulate(steps[written])


def _order_in(run: Run, step: IntArray) -> IntArray:
    """Where in a run's own order of points these steps would have been logged."""
    orders, reached = _written(run)
    place = np.searchsorted(reached, step, side="right") - 1
    return orders[np.maximum(place, 0)]
