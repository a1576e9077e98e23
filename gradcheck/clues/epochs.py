"""Does it happen in the very last step of an epoch, where the batch may be smaller?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.stretches import row_at
from gradcheck.model import Evidence, FloatArray, IntArray, Kind, Role

CLUES = {
    "at_epoch_end": ClueKind(
        "the first non-finite row is the last step of an epoch", (Role.LOSS, Role.EPOCH)
    ),
    "spikes_end_epochs": ClueKind(
        "spikes come again and again, in the last step of an epoch each time",
        (Role.LOSS, Role.EPOCH),
    ),
}
SPIKES = (Kind.LOSS_SPIKE, Kind.GRADIENT_SPIKE)
LEAST_SPIKES, MOST_OTHERS = 4, 0.2
"""Spikes at the ends of epochs that are no accident, and the share of those elsewhere."""
WHOLE = 1e-3
"""How far from a whole number the share of epochs done may be at the end of one."""
LEAST_STEPS = 5
MANY_STEPS = 200
"""Steps of an epoch below which its last one is nothing special."""


def observe(case: Case) -> Iterator[Clue]:
    """Find the steps at which the epoch changes."""
    yield from _breaks(case)
    yield from _spikes(case)


def _spikes(case: Case) -> Iterator[Clue]:
    """Spikes of a run that went on: the ends of its epochs are in the log."""
    epoch = case.run.get(Role.EPOCH)
    events = max((case.of_kind(kind) for kind in SPIKES), key=len)
    if epoch is None or case.failed or len(events) < LEAST_SPIKES:
        return
    ends = set(epoch.step[_ends(epoch.value, every_step=case.every_step)].tolist())
    there = [event for event in events if event.step in ends]
    if len(there) < LEAST_SPIKES or len(events) - len(there) > MOST_OTHERS * len(events):
        return
    length = int(np.median(np.diff(sorted(ends)))) if len(ends) > 1 else 0
    if length >= LEAST_STEPS:
        said = (
            f"{len(there)} of {len(events)} spikes are in the last step of an epoch of {length} "
            "steps: its batch is the one that may be smaller than the others"
        )
        strength = min(1.0, float(np.log(length) / np.log(MANY_STEPS)))
        where = Evidence(said, events[0].series, events[0].step, events[-1].last_step)
        yield Clue("spikes_end_epochs", where, strength, {"steps": length})


def _ends(epoch: FloatArray, *, every_step: bool) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether a row is the last step of an epoch, as far as the log can tell."""
    fractions = bool((np.abs(epoch - np.round(epoch)) > WHOLE).any())
    if fractions:
        return np.asarray((np.abs(epoch - np.round(epoch)) < WHOLE) & (epoch > WHOLE))
    changes = np.append(np.diff(epoch) > 0, False)
    return np.asarray(changes & every_step)


def _breaks(case: Case) -> Iterator[Clue]:
    """The first failure, which may be the last row: its epoch's end has to be reckoned then."""
    epoch, onset = case.run.get(Role.EPOCH), case.onset
    broke = onset is not None and onset.kind in (Kind.NONFINITE_LOSS, Kind.NONFINITE_GRADIENT)
    if epoch is None or onset is None or onset.step is None or not broke or not case.every_step:
        return
    whole = _number(epoch.value)
    starts = np.flatnonzero(np.diff(whole) > 0) + 1
    row = row_at(epoch, onset.step)
    if row is None or not len(starts):
        return
    # a log may begin in mid-epoch
    first = epoch.step[starts[0]] - epoch.step[0]
    length = int(np.median(np.diff(epoch.step[starts]))) if len(starts) > 1 else int(first)
    last = row + 1 in starts or (row + 1 == len(epoch) and _is_due(epoch.step, starts, row, length))
    if last and length >= LEAST_STEPS:
        said = (
            f"step {onset.step} is the last one of an epoch of {length} steps: its batch is the "
            "one that may be smaller than the others"
        )
        # by chance it is the last one in one of as many cases as an epoch has steps
        strength = min(1.0, float(np.log(length) / np.log(MANY_STEPS)))
        where = Evidence(said, epoch.name, onset.step, onset.step)
        yield Clue("at_epoch_end", where, strength, {"steps": length})


def _number(epoch: FloatArray) -> FloatArray:
    """The epoch to which each row belongs.

    Where the first value is as large as the next one's increase, it is the share of steps done,
    the row's own among them: a whole number is then the end of an epoch, not its beginning.
    """
    step = float(epoch[1] - epoch[0]) if len(epoch) > 1 else 0.0
    done = 0.0 < step < 1.0 and abs(float(epoch[0]) - step) < 0.01 * step
    return np.ceil(epoch - 1e-6) if done else np.floor(epoch + 1e-6)


def _is_due(
    steps: IntArray,
    starts: IntArray,
    row: int,
    length: int,
) -> bool:
    """Whether the log ends with this row, as many steps after the last change as an epoch has."""
    return int(steps[row]) + 1 - int(steps[starts[-1]]) == length
