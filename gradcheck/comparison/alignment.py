"""Lays a run beside the good runs: by step where they share steps, else by progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.model import FloatArray, Role, Run, Series

LEAST_ROWS = 16
"""Finite points that a series needs inside the common range: fewer say nothing about noise."""
INFINITE = 1e100
"""Numbers from here on are as good as infinite: their squares leave the floating-point range."""
ROLES = (Role.GRAD_NORM, Role.LOSS, Role.VALIDATION_LOSS)
SAME_LENGTH = 0.02
"""Difference in length, as a share, that is not worth a word."""
LEAST_COMMON = 0.5
"""Share of the shorter run that must be common for steps to be compared with steps."""
CADENCE = 1.5
"""Ratio of points from which on two runs are said to be logged at another cadence."""


class NotComparable(Exception):
    """Nothing of two runs can be laid side by side; says why."""


@dataclass(frozen=True, eq=False)
class Track:
    """One series over the common range: where along it each point lies, from 0 to 1, in order."""

    place: FloatArray
    value: FloatArray
    """Finite; the same shape as `place`."""
    step: FloatArray


@dataclass(frozen=True, eq=False)
class Aligned:
    """One role of the run and of the good runs that have it."""

    role: Role
    series: str
    run: Track
    good: tuple[Track, ...]


@dataclass(frozen=True, eq=False)
class Alignment:
    """All that can be compared."""

    along: str
    first_step: int
    last_step: int
    roles: tuple[Aligned, ...]
    notes: tuple[str, ...]


def align(run: Run, good: Sequence[Run]) -> Alignment:
    """Lay the roles that run and good runs share side by side.

    Raises:
        NotComparable: no role is common, or too few points are.
    """
    common = [role for role in ROLES if run.get(role) and any(g.get(role) for g in good)]
    if not common:
        raise NotComparable(f"{_has([run])}, and the baseline {_has(good)}: no role in common")
    extents = [_extent(one, common) for one in (run, *good)]
    along, place, notes = _scale(run, good, extents)
    roles = [_aligned(role, run, good, place) for role in common]
    kept = tuple(one for one in roles if one is not None)
    if not any(one.role is not Role.VALIDATION_LOSS for one in kept):
        raise NotComparable(f"fewer than {LEAST_ROWS} points of a common role over {along}")
    steps = [one.run.step for one in kept]
    return Alignment(
        along,
        int(min(s.min() for s in steps)),
        int(max(s.max() for s in steps)),
        kept,
        (*notes, *_cadence(kept)),
    )


Place = Callable[[int, FloatArray], FloatArray]
"""Where steps of the run of that number (0 the run, from 1 on the good ones) lie, from 0 to 1."""


def _scale(
    run: Run, good: Sequence[Run], extents: Sequence[tuple[int, int]]
) -> tuple[str, Place, list[str]]:
    first, last = max(e[0] for e in extents), min(e[1] for e in extents)
    lengths = [max(end - start, 1) for start, end in extents]
    units = {one.unit for one in (run, *good)}
    if len(units) == 1 and last - first >= LEAST_COMMON * min(lengths):
        notes = []
        if max(lengths) - min(lengths) > SAME_LENGTH * max(lengths):
            notes = [f"runs of another length: only the common {run.unit}s {first} to {last} count"]
        width = max(last - first, 1)
        return "step", lambda which, step: (step - first) / width, notes

    def progress(which: int, step: FloatArray) -> FloatArray:
        return (step - extents[which][0]) / lengths[which]

    return "progress", progress, ["their steps have too little in common: compared by progress"]


def _extent(run: Run, roles: Iterable[Role]) -> tuple[int, int]:
    found = [series.step for role in roles if (series := run.get(role)) and len(series)]
    if not found:
        return 0, 0
    return min(int(s.min()) for s in found), max(int(s.max()) for s in found)


def _aligned(role: Role, run: Run, good: Sequence[Run], place: Place) -> Aligned | None:
    mine = run.get(role)
    tracks = [_track(mine, 0, place) if mine else None]
    tracks += [
        _track(series, at, place) if (series := one.get(role)) else None
        for at, one in enumerate(good, start=1)
    ]
    theirs = tuple(track for track in tracks[1:] if track is not None)
    if mine is None or tracks[0] is None or not theirs:
        return None
    return Aligned(role, mine.name, tracks[0], theirs)


def _track(series: Series, which: int, place: Place) -> Track | None:
    """The finite points inside the common range; what was run twice counts as it was last."""
    step, at = np.unique(series.step[::-1], return_index=True)
    value = series.value[::-1][at]
    where = place(which, step.astype(np.float64))
    kept = (np.abs(value) < INFINITE) & (where >= 0) & (where <= 1)
    if np.count_nonzero(kept) < LEAST_ROWS:
        return None
    return Track(where[kept], value[kept], step[kept].astype(np.float64))


def _has(runs: Sequence[Run]) -> str:
    roles = dict.fromkeys(role.value for one in runs for role in one.primary)
    return f"has {', '.join(roles)}" if roles else "has no series with a role"


def _cadence(roles: Sequence[Aligned]) -> list[str]:
    for one in roles:
        counts = [len(track.value) for track in (one.run, *one.good)]
        if max(counts) > CADENCE * min(counts):
            return [
                f"logged at another cadence: {counts[0]} points of {one.series} here, "
                f"{min(counts[1:])} in the baseline"
            ]
    return []
