"""Do large gradients come now and then, at no rhythm, over a level that stays where it is?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.periods import common_period
from gradcheck.measure.robust import finite, level
from gradcheck.model import Evidence, Kind, Role
from gradcheck.wording import count, number

CLUES = {
    "scattered_gradient_spikes": ClueKind(
        "several gradient spikes at irregular distances over a steady level", (Role.GRAD_NORM,)
    ),
    "small_gradient_before": ClueKind(
        "the gradient norm had sunk far below its early level before the event",
        (Role.GRAD_NORM,),
    ),
}
LEAST = 3
STEADY = 3.0
SUNK = 0.1
LEAST_ROWS = 30


def observe(case: Case) -> Iterator[Clue]:
    """Look at the gradient norm up to the trigger."""
    norm = case.run.get(Role.GRAD_NORM)
    if norm is None or case.trigger is None:
        return
    spikes = [e for e in case.of_kind(Kind.GRADIENT_SPIKE) if e.series == norm.name]
    values = finite(norm.value)
    halves = [level(part) for part in np.array_split(values, 2)]
    steady = bool(max(halves) < STEADY * min(halves)) if len(values) > LEAST_ROWS else False
    steps = np.array([spike.step for spike in spikes], dtype=np.int64)
    if len(spikes) >= LEAST and steady and common_period(steps, case.cadence) is None:
        peaks = [e.value for e in spikes if e.value is not None]
        said = (
            f"{count(len(spikes), 'time')} the gradient norm leaps, up to {number(max(peaks))}, "
            f"over a level that stays near {number(level(values))}"
        )
        yield Clue(
            "scattered_gradient_spikes",
            Evidence(said, norm.name, spikes[0].step, spikes[-1].last_step),
            min(1.0, len(spikes) / 6 + 0.3),
        )
    yield from _sunk(case)


def _sunk(case: Case) -> Iterator[Clue]:
    norms = case.healthy_norms
    if case.gradient is None or len(norms) < LEAST_ROWS:
        return
    early, late = level(norms[: len(norms) // 4]), level(norms[-10:])
    if 0 < late < SUNK * early:
        said = (
            f"the gradient norm had come down from {number(early)} to {number(late)} before: "
            "what Adam divides by had come down with it"
        )
        first, last = case.window(case.gradient)
        yield Clue("small_gradient_before", Evidence(said, case.gradient.name, first, last))
