"""Did the policy leave the one that sampled the data before the losses failed?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import finite, level
from gradcheck.measure.stretches import BoolArray
from gradcheck.model import Evidence, FloatArray, Objective, Role, Series
from gradcheck.wording import number

CLUES = {
    "policy_moved_first": ClueKind(
        "approx_kl, probability ratios or their clipped share left their level"
    ),
}
DIVERGENCE = re.compile(r"\b((approx|mean|policy|old|true) ?)?kl\b")
OF_POLICY = re.compile(r"\b(approx|policy|ppo|old) ?kl\b")
RATIO = re.compile(
    r"\bratio\b.*\b(max|mean)\b|\b(max|mean|prob|importance|is)\b.*\bratio\b|^ratio$"
)
CLIPPED = re.compile(r"\bclip ?(frac|fraction)\b")
NOT_THIS = re.compile(r"\b(coef|coeff|weight|beta|target|lr|update|compression|sparsity|vae)\b")
Limits = tuple[float, float]
KL, RATIOS, CLIPS = (0.5, 0.1), (5.0, 2.0), (0.7, 0.3)
"""Beyond any update that PPO means to make, and the highest early level that may be left so."""
LEAST_ROWS = 5


def observe(case: Case) -> Iterator[Clue]:
    """Look for the measures of policy gradient methods among the unnamed series."""
    for series in case.run.every(Role.OTHER):
        name = re.sub(r"[^a-z0-9]+", " ", series.name.lower()).strip()
        limits = None if NOT_THIS.search(name) else _limits(case, name)
        if limits is not None:
            # a divergence of unsaid kind may be one from a reference, which only grows
            found = list(_left(case, series, limits, absolute=limits != KL or _is_own(name)))
            yield from found
            if found:
                return


def _limits(case: Case, name: str) -> Limits | None:
    if CLIPPED.search(name):
        return CLIPS
    if RATIO.search(name):
        return RATIOS
    return KL if DIVERGENCE.search(name) and (_is_own(name) or _has_policy(case)) else None


def _is_own(name: str) -> bool:
    """Whether the divergence is named as the one between policies."""
    return bool(OF_POLICY.search(name))


def _has_policy(case: Case) -> bool:
    """Whether a loss is one of reinforcement learning: a VAE or a distillation has a KL too."""
    losses = case.run.every(Role.LOSS)
    return any(series.objective is Objective.REINFORCEMENT for series in losses)


def _left(case: Case, series: Series, limits: Limits, *, absolute: bool) -> Iterator[Clue]:
    """Beyond the limit, and far above its own early level, at or before the onset.

    An `absolute` measure that is beyond its limit from the first row on needs no early level.
    """
    limit, ordinary = limits
    end = case.onset_row(series) + 1 if case.onset is not None else len(series)
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
