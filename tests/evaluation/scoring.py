"""Scores predictions: recall, accuracy, honesty of the confidence, false alarms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.model import HEALTHY, INCONCLUSIVE, Family
from tests.evaluation.judging import Prediction

BINS = 10
NO_STEP = ("stalled_training",)
"""Families whose trouble has no first step to tell."""


@dataclass(frozen=True)
class Score:
    """The figures of one level of logging."""

    failing: int
    healthy: int
    recall: float
    """Failing runs that are detected."""
    decided: float
    """Of the failing runs, those with a family for a verdict."""
    family: float
    """Of the decided, those with the right family."""
    family_of_all: float
    cause: float
    cause_top3: float
    inconclusive: float
    among_two: float
    """Of the inconclusive, those with the true family among the two named first."""
    first_step: float
    """Of the detected, those whose first bad step is right within one logged row."""
    alarms_failure: float
    """Of the healthy runs, those with an event of severity failure."""
    alarms_spike: float
    alarms_warning: float
    alarms_verdict: float
    """Of the healthy runs, those with a family for a verdict."""
    ece: float
    brier: float


def is_detected(one: Prediction) -> bool:
    """Whether the report names anything that is wrong: a cause or an event."""
    return one.verdict != HEALTHY or one.severity is not None


def is_decided(one: Prediction) -> bool:
    """Whether the verdict is a family."""
    return one.verdict not in (HEALTHY, INCONCLUSIVE)


def has_family(one: Prediction) -> bool:
    return one.verdict == one.truth.family


def has_cause(one: Prediction, within: int = 1) -> bool:
    """Whether the true cause is among the first few."""
    return one.truth.cause in [cause for cause, _ in one.causes[:within]]


def steps_off(one: Prediction) -> int | None:
    """How many steps the first bad step lies outside of the true window; None if untold."""
    if one.first_bad_step is None or one.truth.earliest is None or one.truth.latest is None:
        return None
    return max(0, one.truth.earliest - one.first_bad_step, one.first_bad_step - one.truth.latest)


def score(predictions: Sequence[Prediction]) -> Score:
    """All figures over the predictions."""
    failing = [p for p in predictions if p.truth.family != HEALTHY]
    healthy = [p for p in predictions if p.truth.family == HEALTHY]
    decided = [p for p in failing if is_decided(p)]
    inconclusive = [p for p in failing if p.verdict == INCONCLUSIVE]
    detected = [p for p in failing if is_detected(p)]
    placed = [p for p in detected if p.truth.family not in NO_STEP]
    return Score(
        failing=len(failing),
        healthy=len(healthy),
        recall=_share(failing, is_detected),
        decided=_share(failing, is_decided),
        family=_share(decided, has_family),
        family_of_all=_share(failing, has_family),
        cause=_share(decided, has_cause),
        cause_top3=_share(decided, lambda p: has_cause(p, 3)),
        inconclusive=_share(failing, lambda p: p.verdict == INCONCLUSIVE),
        among_two=_share(inconclusive, lambda p: p.truth.family in [f for f, _ in p.families[:2]]),
        first_step=_share(placed, _is_placed),
        alarms_failure=_share(healthy, lambda p: p.severity == "failure"),
        alarms_spike=_share(healthy, lambda p: p.severity == "spike"),
        alarms_warning=_share(healthy, lambda p: p.severity == "warning"),
        alarms_verdict=_share(healthy, is_decided),
        ece=calibration_error(predictions),
        brier=brier(predictions),
    )


def _is_placed(one: Prediction) -> bool:
    off = steps_off(one)
    return off is not None and off <= one.truth.cadence


def _share(of: Sequence[Prediction], holds: Callable[[Prediction], bool]) -> float:
    return sum(map(holds, of)) / len(of) if of else float("nan")


def told(predictions: Sequence[Prediction]) -> list[Prediction]:
    """The predictions whose report names a leading family with its probability."""
    return [p for p in predictions if p.families and (is_decided(p) or p.verdict == INCONCLUSIVE)]


@dataclass(frozen=True)
class Bin:
    """Reports of about the same confidence."""

    confidence: float
    right: float
    share: float


def reliability(predictions: Sequence[Prediction]) -> list[Bin]:
    """How often the leading family is right, by the confidence it is told with."""
    reports = told(predictions)
    confidence = np.array([p.families[0][1] for p in reports])
    right = np.array([p.families[0][0] == p.truth.family for p in reports], dtype=float)
    at = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        Bin(
            float(confidence[at == b].mean()), float(right[at == b].mean()), float(np.mean(at == b))
        )
        for b in range(BINS)
        if bool((at == b).any())
    ]


def calibration_error(predictions: Sequence[Prediction]) -> float:
    """Expected calibration error of the leading family's probability, over BINS bins."""
    if not told(predictions):
        return float("nan")
    return sum(b.share * abs(b.confidence - b.right) for b in reliability(predictions))


def brier(predictions: Sequence[Prediction]) -> float:
    """Mean squared error of the families' probabilities and none of these, over all reports."""
    errors = []
    for one in told(predictions):
        shares = {family.value: 0.0 for family in Family} | dict(one.families)
        shares[HEALTHY] = 1.0 - sum(shares.values())
        errors.append(sum((s - (f == one.truth.family)) ** 2 for f, s in shares.items()))
    return float(np.mean(errors)) if errors else float("nan")


def confusion(predictions: Sequence[Prediction]) -> dict[tuple[str, str], int]:
    """How many runs of a true family got which verdict."""
    table: dict[tuple[str, str], int] = {}
    for one in predictions:
        key = (one.truth.family, one.verdict)
        table[key] = table.get(key, 0) + 1
    return table
