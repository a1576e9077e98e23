"""Makes a run of the rows of a text log, and leaves out what is no part of the training."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.model import FloatArray, IntArray, Message, Role, Run, Series
from gradcheck.readers import role_names
from gradcheck.readers.table_steps import preference
from gradcheck.readers.text_kinds import Kind
from gradcheck.readers.text_steps import Clock, find_clock

_RANKED = re.compile(r"^rank (\d+)/")
_FEW = 3


class _Part(NamedTuple):
    line: IntArray
    step: IntArray
    value: FloatArray
    own: bool


def run_of(kinds: Sequence[Kind], messages: Sequence[Message], path: Path) -> Run:
    """The run that a text log tells of, roles not yet assigned.

    A text that only tells of a fault becomes a run without series.

    Raises:
        NotALog: no name comes again with a number, and no fault is told of.
    """
    clock = find_clock(kinds)
    if clock is None:
        return _only(messages, path)
    parts: dict[str, list[_Part]] = {}
    for kind in kinds:
        for name, part in _parts(kind, clock):
            parts.setdefault(name, []).append(part)
    series = tuple(_series(name, found) for name, found in parts.items() if _is_told(name, found))
    if not series:
        return _only(messages, path)
    return Run(
        path,
        "text",
        _with_main_rank(series),
        notes=clock.notes,
        messages=tuple(messages),
        unit=clock.unit,
        by_line=True,
    )


def _only(messages: Sequence[Message], path: Path) -> Run:
    if not messages:
        raise NotALog("a text without a series of numbers in it")
    return Run(path, "text", (), messages=tuple(messages), by_line=True)


def _parts(kind: Kind, clock: Clock) -> Iterable[tuple[str, _Part]]:
    """The columns of a kind, less what it printed before the training began."""
    line, step = kind.line, clock.of(kind)
    settings = not kind.own or len(kind) == 1
    kept = line >= clock.start if settings else np.ones(len(line), dtype=np.bool_)
    if not kept.any():
        return
    summary = _sums_up(kind, clock)
    for name, value in kind.values().items():
        again = summary and name in clock.kind.measured
        yield (
            f"{name} (epoch)" if again else name,
            _Part(line[kept], step[kept], value[kept], kind.own or bool(kind.counted)),
        )


def _sums_up(kind: Kind, clock: Clock) -> bool:
    """Whether the lines tell of whole epochs what others tell of steps."""
    units = {preference(name)[0] for name in kind.counters()}
    return kind is not clock.kind and units == {"epoch"} and clock.unit == "step"


def _is_told(name: str, parts: Sequence[_Part]) -> bool:
    """Whether numbers under a name are a series: they come again as the training goes on.

    Something that sounds like a loss or a gradient may come once, where its line counts.
    """
    known = role_names.meaning(name).role is not Role.OTHER
    rows = sum(len(part.line) for part in parts)
    if any(part.own for part in parts):
        return known or rows > 1
    steps = len(np.unique(np.concatenate([part.step for part in parts])))
    return steps >= _FEW or (known and rows > 1)


def _series(name: str, parts: Sequence[_Part]) -> Series:
    line = np.concatenate([part.line for part in parts])
    written = np.argsort(line, kind="stable")
    step = np.concatenate([part.step for part in parts])
    value = np.concatenate([part.value for part in parts])
    return Series(name, line[written], step[written], value[written])


def _with_main_rank(series: tuple[Series, ...]) -> tuple[Series, ...]:
    """Name the series of the lowest rank without it: it stands for the run."""
    ranks = [int(found[1]) for found in (_RANKED.match(one.name) for one in series) if found]
    if not ranks:
        return series
    prefix = f"rank {min(ranks)}/"
    taken = {one.name for one in series}
    return tuple(
        Series(one.name.removeprefix(prefix), one.order, one.step, one.value)
        if one.name.startswith(prefix) and one.name.removeprefix(prefix) not in taken
        else one
        for one in series
    )
