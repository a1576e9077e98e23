"""Did the policy leave the one that sampled the data before the losses failed?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import finite, level
from gradcheck.model import Evidence, FloatArray, Role, Series
from gradcheck.wording import number

CLUES = {
    "policy_moved_first": ClueKind(
        "approx_kl, probability ratios or their clipped share left their level", needs=()
    ),
}
DIVERGENCE = re.compile(r"\b(approx|mean|policy|old|true)? ?kl\b")
RATIO = re.compile(
    r"\bratio\b.*\b(max|mean)\b|\b(max|mean|prob|importance|is)\b.*\bratio\b|^ratio$"
)
CLIPPED = re.compile(r"\bclip ?(frac|fraction)\b")
NOT_THIS = re.compile(r"\b(coef|coeff|weight|beta|target|lr|update|compression|sparsity|vae)\b")
FAR_KL, FAR_RATIO, FAR_CLIPPED = 0.5, 5.0, 0.7
"""Beyond any update that PPO means to make (0.01 to 0.05, 1.2, 0.2)."""
AWAY = 5.0
LEAST_ROWS = 5


def observe(case: Case) -> Iterator[Clue]:
    """Look for the measures of policy gradient methods among the unnamed series."""
    for series in case.run.every(Role.OTHER):
        name = re.sub(r"[^a-z0-9]+", " ", series.name.lower()).strip()
        limit = None if NOT_THIS.search(name) else _limit(name)
        if limit is not None:
            found = list(_left(case, series, limit))
            yield from found
            if found:
                return


def _limit(name: str) -> float | None:
    if CLIPPED.search(name):
        return FAR_CLIPPED
    if RATIO.search(name):
        return FAR_RATIO
    return FAR_KL if DIVERGENCE.search(name) else None


def _left(case: Case, series: Series, limit: float) -> Iterator[Clue]:
    """Beyond the limit, and far above its own early level, at or before the onset."""
    end = case.onset_row(series) + 1 if case.onset is not None else len(series)
    values = series.value[:end]
    early = level(finite(values[: max(LEAST_ROWS, len(values) // 4)]))
    away = np.flatnonzero(_beyond(values, limit) | ~np.isfinite(values))
    if len(values) < LEAST_ROWS or not len(away):
        return
    row = int(away[0])
    if row > 0 and early > limit / AWAY and np.isfinite(values[row]):
        return
    said = (
        f"{series.name} is {number(float(values[row]))} at step {int(series.step[row])} "
        f"(early: {number(early)}): the policy is far from the one that sampled"
    )
    yield Clue(
        "policy_moved_first",
        Evidence(said, series.name, int(series.step[0]), int(series.step[row])),
    )


def _beyond(values: FloatArray, limit: float) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    with np.errstate(invalid="ignore"):
        return np.abs(values) > limit
