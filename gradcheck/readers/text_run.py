"""Makes a run of the rows of a text log, and leaves out what is no part of the training."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.model import FloatArray, IntArray, Message, Role, Run, Said, Series
from gradcheck.readers import role_names
from gradcheck.readers.table import BoolArray
from gradcheck.readers.table_steps import preference
from gradcheck.readers.text_copies import without_copies
from gradcheck.readers.text_kinds import Kind
from gradcheck.readers.text_messages import OVERFLOW
from gradcheck.readers.text_plans import PROGRESS_NAME
from gradcheck.readers.text_ranks import told_apart, with_main_rank
from gradcheck.readers.text_steps import Clock, find_clock

_LOSSES = (Role.LOSS, Role.VALIDATION_LOSS)
_BESIDE_LOSS = (Role.LEARNING_RATE, Role.GRAD_NORM)
_FEW = 3
_MANY = 10


class _Part(NamedTuple):
    arrival: IntArray
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
    resumed = tuple(m.order for m in messages if m.said is Said.RESUMED)
    messages = [message for message in messages if message.said is not Said.RESUMED]
    kinds = [without_copies(kind) for kind in told_apart(kinds)]
    clock = find_clock(kinds)
    if clock is None or not (_comes_again(clock.kinds) or _is_plain(kinds)):
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
        with_main_rank(series),
        notes=clock.notes,
        messages=tuple(messages),
        unit=clock.unit,
        by_line=True,
        resumed_at=resumed,
    )


def _comes_again(kinds: Sequence[Kind]) -> bool:
    return any(kind.comes_again() for kind in kinds)


def _is_plain(kinds: Sequence[Kind]) -> bool:
    """Whether a text with few rows leaves no doubt: some count and tell a loss, in several ways.

    An epoch of a training and the validation after it do, which count alike, a loss beside steps
    that overflowed, or one line that tells of a learning rate or a gradient norm, too, and of more.
    """
    plain = [(kind, _roles(kind)) for kind in kinds if kind.own and kind.counters()]
    plain = [(kind, roles) for kind, roles in plain if not roles.isdisjoint(_LOSSES)]
    trains = [kind for kind, roles in plain if Role.LOSS in roles]
    if not trains:
        return False
    skips = any(OVERFLOW in kind.measured for kind in kinds)
    full = any(len(k.measured) > 2 and not roles.isdisjoint(_BESIDE_LOSS) for k, roles in plain)
    alike = sum(len(kind) for kind, _ in plain if kind.counted == trains[0].counted)
    return skips or full or alike > 1


def _roles(kind: Kind) -> set[Role]:
    meanings = map(role_names.meaning, kind.measured)
    return {one.role for one in meanings if not one.stand_in}


def _only(messages: Sequence[Message], path: Path) -> Run:
    if not messages:
        raise NotALog("a text without a series of numbers in it")
    return Run(path, "text", (), messages=tuple(messages), by_line=True)


def _parts(kind: Kind, clock: Clock) -> Iterable[tuple[str, _Part]]:
    """The columns of a kind, less what it printed before the training began."""
    line, step, arrival = kind.line, clock.of(kind), kind.arrival
    counts = kind.counters()
    if clock.counter in counts or _goes_on(kind, clock):
        kept = np.ones(len(line), dtype=np.bool_)
    else:
        kept = line >= clock.start
    if clock.counter in counts and not kind.own:
        kept = line >= clock.start
    drawn = clock.counter == PROGRESS_NAME
    if drawn and clock.measures(kind.measured):
        # The same statement, before the bar that counts was first drawn.
        kept |= line >= clock.start - 2 * clock.spacing
    before = _before_the_cut(kind, clock)
    if before.any():
        kept |= before
        step = np.where(before, clock.step[0] - 1, step)
    if not kept.any():
        return
    summary = _sums_up(kind, clock)
    further = {name: count for name, count in counts.items() if kind.own and name != clock.counter}
    for name, value in {**kind.values(), **further}.items():
        again = summary and any(name in own.measured for own in clock.kinds)
        yield (
            f"{name} (epoch)" if again else name,
            _Part(arrival[kept], line[kept], step[kept], value[kept], kind.own or bool(counts)),
        )


def _before_the_cut(kind: Kind, clock: Clock) -> BoolArray:
    """Which rows end the epoch whose heading a log lacks, as it begins in the middle of a run."""
    before = kind.line < clock.start
    begun = clock.unit == "epoch" and len(clock.step) > 0 and clock.step[0] > 1
    same = clock.measures(kind.measured) and not clock.holds(kind)
    if not (begun and same and before.sum() == 1):
        return np.zeros(len(kind), dtype=np.bool_)
    near: BoolArray = before & (kind.line >= clock.start - 2 * clock.spacing)
    return near


def _goes_on(kind: Kind, clock: Clock) -> bool:
    """Whether lines that count for themselves reach into the training, or count far enough."""
    if not kind.own or len(kind) < 2:
        return False
    far = any(len(np.unique(count)) >= _MANY for count in kind.counters().values())
    return far or bool(kind.line[-1] >= clock.start)


def _sums_up(kind: Kind, clock: Clock) -> bool:
    """Whether the lines tell of whole epochs what others tell of steps."""
    if clock.holds(kind) or clock.unit != "step":
        return False
    counts = kind.counters()
    if not any(preference(name)[0] == "epoch" for name in counts):
        return False
    missing = clock.rows.counters().keys() - counts.keys()
    return any(preference(name)[0] == "step" for name in missing)


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
    written = np.argsort(np.concatenate([part.arrival for part in parts]), kind="stable")
    line = np.concatenate([part.line for part in parts])
    step = np.concatenate([part.step for part in parts])
    value = np.concatenate([part.value for part in parts])
    value = value[written] + 0.0  # a loss of `-0.0` is 0
    return Series(name, line[written], step[written], value)
