"""Did a learned single number, such as a temperature, leave its range?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import block_levels
from gradcheck.measure.temperatures import Departure, runaway, temperatures
from gradcheck.model import STANDSTILL, Evidence, FloatArray, Kind, Series
from gradcheck.model.inside import LEARNED
from gradcheck.wording import number

CLUES = {
    "learned_number_ran_away": ClueKind("a learned temperature or scale leaves its range"),
}

LEAST_ROWS, BLOCKS = 20, 8


def observe(case: Case) -> Iterator[Clue]:
    """Look through the learned numbers of a record, as far as the onset."""
    if case.trigger is None:
        return
    for name, series in temperatures(case.run):
        values = _before_trouble(case, series)
        raw = series.name.startswith(LEARNED)
        gone = runaway(name, values, raw=raw) if len(values) else None
        if gone is not None:
            first = int(series.step[0])
            last = int(series.step[min(len(values), len(series)) - 1])
            said = f"{series.name.removeprefix(LEARNED)} {_words(gone)}"
            evidence = Evidence(said, series.name, first, last)
            yield Clue("learned_number_ran_away", evidence)
            return


def _words(gone: Departure) -> str:
    went = f"went from {number(gone.first)} to {number(gone.last)}"
    if gone.past_zero:
        return f"{went}: past 0"
    if gone.ratio is not None:
        return f"{went}, a factor of {number(gone.ratio)} where it is a logarithm"
    return went


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
