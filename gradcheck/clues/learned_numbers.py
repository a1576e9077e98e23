"""Did a learned single number, such as a temperature, which `watch` records, leave its range?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import block_levels
from gradcheck.model import STANDSTILL, Evidence, FloatArray, Kind, Role, Series
from gradcheck.model.inside import LEARNED
from gradcheck.wording import number

CLUES = {
    "learned_number_ran_away": ClueKind("a learned temperature or scale leaves its range"),
}

DENSITY = re.compile(
    r"sigma|log_?var|(^|_)(var|variance|std|dev|bias|shift|offset|loc|mean|mu)s?(_|\d|$)"
)
"""Numbers whose range is another one, and has its own evidence."""
HOT, COLD = 150.0, 1e-3
"""Beyond CLIP's clamp at 100, or next to nothing."""
FAR = 8.0
"""Times its first value, or a part of it, that no learning needs."""
MOST_LOGARITHM = 6.0
"""First value above which a number is no logarithm of a temperature."""
LEAST_ROWS, BLOCKS = 20, 8
ROWS = 5
"""Rows before the onset of which the one furthest away counts: the failure throws it back."""


def observe(case: Case) -> Iterator[Clue]:
    """Look through the learned numbers of a record, as far as the onset."""
    if case.trigger is None:
        return
    for series in case.run.every(Role.OTHER):
        # the modules that hold it say nothing of it
        own = re.split(r"[./]", series.name.lower())[-1]
        if not series.name.startswith(LEARNED) or DENSITY.search(own):
            continue
        values = _before_trouble(case, series)
        said = _runaway(own, values) if len(values) else None
        if said is not None:
            first = int(series.step[0])
            last = int(series.step[min(len(values), len(series)) - 1])
            said = f"{series.name.removeprefix(LEARNED)} {said}"
            evidence = Evidence(said, series.name, first, last)
            yield Clue("learned_number_ran_away", evidence)
            return


def _before_trouble(case: Case, series: Series) -> FloatArray:
    """Its values up to the onset; all where the run stands still, or drifts, and it with it."""
    whole = series.value[np.isfinite(series.value)]
    if case.trigger is not None and case.trigger.kind in STANDSTILL:
        return whole
    drifting = case.trigger is not None and case.trigger.kind is Kind.DIVERGENCE
    if drifting and len(whole) == len(series) >= LEAST_ROWS:
        steps = np.diff(block_levels(whole, BLOCKS))
        if bool((steps > 0).all() or (steps < 0).all()):
            return whole
    before = series.value[: case.onset_row(series) + 1]
    return before[np.isfinite(before)]


def _runaway(name: str, values: FloatArray) -> str | None:
    first = float(values[0])
    last = float(max(values[-ROWS:], key=lambda value: abs(value - first)))
    went = f"went from {number(first)} to {number(last)}"
    if first > 0 and not name.startswith("log_"):
        if last <= 0:
            return f"{went}: past 0"
        if _is_out(last) and _is_far(last / first):
            return went
    is_logarithm = "log" in name or bool((values <= 0).any())
    if not is_logarithm or abs(first) > MOST_LOGARITHM:
        return None
    with np.errstate(over="ignore"):
        plain, ratio = float(np.exp(last)), float(np.exp(last - first))
    if _is_out(plain) and _is_far(ratio):
        return f"{went}, a factor of {number(ratio)} where it is a logarithm"
    return None


def _is_out(value: float) -> bool:
    return value > HOT or value < COLD


def _is_far(ratio: float) -> bool:
    return ratio > FAR or ratio < 1.0 / FAR
