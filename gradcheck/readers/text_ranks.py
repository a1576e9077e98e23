"""Tells the processes apart whose lines share a log: a series for each rank."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from gradcheck.model import Series
from gradcheck.readers.text_kinds import INDEX, Kind

_RANKED = re.compile(r"^rank (\d+)/")
_MOST_RANKS = 4096


def name_of(name: str, rank: int) -> str:
    """What a series of a rank is called."""
    return f"rank {rank}/{name}"


def without_rank(names: Iterable[str]) -> tuple[str, ...]:
    """The names as they would be had no rank been told."""
    return tuple(_RANKED.sub("", name) for name in names)


def told_apart(kinds: Sequence[Kind]) -> list[Kind]:
    """The kinds, those apart whose lines open with the number of a rank, as `3: step 10` do.

    The number is a rank where another counter goes on beside it, or where it does not itself.
    """
    apart = []
    for kind in kinds:
        if INDEX not in kind.counted or not _is_rank(kind):
            apart.append(kind)
            continue
        for rank, part in kind.by_index().items():
            part.measured = tuple(name_of(name, rank) for name in part.measured)
            apart.append(part)
    return apart


def _is_rank(kind: Kind) -> bool:
    index = kind.cells()[:, kind.counted.index(INDEX)]
    whole = bool(((index >= 0) & (index == np.round(index))).all())
    if not whole or len(np.unique(index)) > min(_MOST_RANKS, max(1, len(index) // 2)):
        return False
    others = [name for name in kind.counters() if name != INDEX]
    return bool(others) or INDEX not in kind.counters() or not np.ptp(index)


def with_main_rank(series: tuple[Series, ...]) -> tuple[Series, ...]:
    """Name the series of the lowest rank without it: it stands for the run."""
    ranks = [int(found[1]) for found in (_RANKED.match(one.name) for one in series) if found]
    if not ranks:
        return series
    prefix = name_of("", min(ranks))
    taken = {one.name for one in series}
    return tuple(
        Series(one.name.removeprefix(prefix), one.order, one.step, one.value)
        if one.name.startswith(prefix) and one.name.removeprefix(prefix) not in taken
        else one
        for one in series
    )
