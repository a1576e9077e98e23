"""The rows of the steps that were run again, and the run as if they had been its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.clues.inside import LASTING
from gradcheck.model import Role, Run, Series
from gradcheck.model.inside import NEGATED, NO_GRADIENT, OVERWRITTEN

OF_THE_SCRIPT = LASTING | {NEGATED, NO_GRADIENT, OVERWRITTEN}
"""What was observed of all steps alike, and so of those that are run again."""


@dataclass(frozen=True)
class Row:
    """One step of an optimizer, as a replay saw it."""

    tick: int
    step: int
    loss: float | None
    norm: float
    skipped: bool
    place: int = 0
    """Of the optimizer."""


def row_of(tick: int, place: int, step: int, loss: str | None, norm: str, skipped: bool) -> Row:
    """A row as a replay sends it, with exact numbers as text."""
    known = None if loss is None else float.fromhex(loss)
    return Row(tick, step, known, float.fromhex(norm), skipped, place)


def splice(
    run: Run, measured: Mapping[str, int], rows: Mapping[int, Sequence[Row]], end: int
) -> Run:
    """The run up to the replay, and the replay's own rows from there on.

    `measured`: the series that a replay measures, by the place of their optimizer. The others are
    taken from the run up to the step `end`.
    """
    spliced = []
    for old in run.series:
        place = measured.get(old.name)
        new = rows.get(place, ()) if place is not None else ()
        spliced.append(_joined(old, new) if new else _upto(old, end))
    lasting = tuple(seen for seen in run.observations if seen.key in OF_THE_SCRIPT)
    return dataclasses.replace(run, series=tuple(spliced), messages=(), observations=lasting)


def _joined(old: Series, rows: Sequence[Row]) -> Series:
    """A series up to the first of these rows, and their numbers from there on."""
    before = old.step < rows[0].step
    last = int(old.order[before].max(initial=0))
    numbers = [row.loss if old.role is Role.LOSS else row.norm for row in rows]
    there = np.array([number is not None for number in numbers])
    steps = np.array([row.step for row in rows], dtype=np.int64)
    return dataclasses.replace(
        old,
        step=np.concatenate([old.step[before], steps[there]]),
        value=np.concatenate([old.value[before], np.array(numbers, dtype=float)[there]]),
        order=np.concatenate([old.order[before], last + 1 + np.arange(len(rows))[there]]),
        wall=None,
    )


def _upto(series: Series, step: int) -> Series:
    """What a replay does not measure, such as the data, is taken from the run."""
    kept = series.step <= step
    return dataclasses.replace(
        series,
        step=series.step[kept],
        value=series.value[kept],
        order=series.order[kept],
        wall=None,
    )
