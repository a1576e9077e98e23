"""Did the policy leave the one that sampled the data before the losses failed?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure import policies
from gradcheck.measure.robust import finite, level
from gradcheck.measure.stretches import BoolArray
from gradcheck.model import Evidence, FloatArray, Series
from gradcheck.wording import number

CLUES = {
    "policy_moved_first": ClueKind(
        "approx_kl, probability ratios or their clipped share left their level"
    ),
}
LEAST_ROWS = 5


def observe(case: Case) -> Iterator[Clue]:
    """Look for the measures of policy gradient methods among the unnamed series."""
    for series, limits in policies.measures(case.run):
        # a divergence of unsaid kind may be one from a reference, which only grows
        found = list(
            _left(case, series, limits, absolute=limits != policies.KL or policies.is_own(series))
        )
        yield from found
        if found:
            return


def _left(case: Case, series: Series, limits: policies.Limits, *, absolute: bool) -> Iterator[Clue]:
    """Beyond the limit, and far above its own early level, at or before an onset elsewhere.

    An `absolute` measure that is beyond its limit from the first row on needs no early level.
    """
    limit, ordinary = limits
    at_once = case.onset is None or case.onset.series == series.name
    end = len(series) if at_once else case.onset_row(series) + 1
    values = series.value[:end]
    early = level(finite(values[: max(LEAST_ROWS, len(values) // 4)]))
    away = np.flatnonzero(_beyond(values, limit) | _fails_first(values))
    if len(values) < LEAST_ROWS or not len(away):
        return
    row = int(away[0])
    settled = row > 0 or not absolute
    if settled and early > ordinary and np.isfinite(values[row]):
        return
    said = (
        f"{series.name} is {number(float(values[row]))} at step {int(series.step[row])} "
        f"(early: {number(early)}): the policy is far from the one that sampled"
    )
    yield Clue(
        "policy_moved_first",
        Evidence(said, series.name, int(series.step[0]), int(series.step[row])),
    )


def _fails_first(values: FloatArray) -> BoolArray:
    """Rows of a NaN that stays and came before the last row, the onset: beside it all is NaN."""
    good = np.flatnonzero(~np.isnan(values))
    since = int(good[-1]) + 1 if len(good) else 0
    failing: BoolArray = (np.arange(len(values)) >= since) & (since < len(values) - 1)
    return failing


def _beyond(values: FloatArray, limit: float) -> BoolArray:
    with np.errstate(invalid="ignore"):
        beyond: BoolArray = np.abs(values) > limit
    return beyond
