"""From observations and weights to predictions, by the same rules as `diagnosis`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradcheck import weight_table
from gradcheck.diagnosis import DECIDED, is_open
from gradcheck.model import HEALTHY, INCONCLUSIVE, Severity
from gradcheck.weighing import MOST_SHOWN, PROOF, SHOWN
from gradcheck.weight_table import clue_kinds
from tests.evaluation.fitting import (
    Design,
    Matrix,
    Parameters,
    circumstances_of,
    softmax,
    strengths_of,
)
from tests.evaluation.observations import Observation, Seen
from tests.faults.suite import Truth


@dataclass(frozen=True)
class Prediction:
    """What gradcheck would report of one log."""

    truth: Truth
    verdict: str
    confidence: float
    """Of the verdict's family, or of the leading one."""
    families: tuple[tuple[str, float], ...]
    causes: tuple[tuple[str, float], ...]
    """The most probable first."""
    first_bad_step: int | None
    severity: str | None
    kinds: tuple[str, ...]


def predict(
    columns: Design,
    parameters: Parameters,
    observations: Sequence[Observation],
    temperature: float = 1.0,
) -> list[Prediction]:
    """Weigh and judge every observation."""
    seen = [one for observation in observations for one in observation.seen]
    strengths = strengths_of(columns, seen)
    scores = parameters.scores(columns, strengths, circumstances_of(seen))
    shares = softmax(scores / temperature)
    supported = iter((shares[:, :-1] * columns.known(strengths)).sum(axis=1).tolist())
    probabilities = iter(shares)
    found = []
    for observation in observations:
        reports = [
            _judge(
                columns, parameters, observation.truth, one, next(probabilities), next(supported)
            )
            for one in observation.seen
        ]
        found.append(min(reports, key=_gravity) if reports else _unread(observation.truth))
    return found


def _judge(
    columns: Design,
    parameters: Parameters,
    truth: Truth,
    seen: Seen,
    probability: Matrix,
    supported: float,
) -> Prediction:
    causes = sorted(zip(columns.causes, probability[:-1].tolist(), strict=True), key=_second)
    family: dict[str, float] = {}
    for cause, share in causes:
        name = weight_table.causes()[cause].family.value
        family[name] = family.get(name, 0.0) + share
    families = sorted(family.items(), key=_second)
    verdict, confidence = families[0]
    if confidence < DECIDED:
        unexplained = is_open(seen.circumstance, seen.kinds, supported, float(probability[-1]))
        verdict = INCONCLUSIVE if unexplained else HEALTHY
    begun = _begun(columns, parameters, seen, causes[0][0])
    step = seen.onset_step if begun is None else begun
    if step is None:
        step = _place_of_evidence(columns, parameters, seen, causes)
    if verdict == HEALTHY and seen.severity in (None, Severity.WARNING.value):
        step = None
    return Prediction(
        truth, verdict, confidence, tuple(families), tuple(causes), step, seen.severity, seen.kinds
    )


def _begun(columns: Design, parameters: Parameters, seen: Seen, cause: str) -> int | None:
    """Where a mistake of every step was first seen, if it is what proves the cause."""
    weights = parameters.weights[columns.causes.index(cause)]
    return next(
        (
            step
            for key, _, step in seen.clues
            if clue_kinds()[key].from_then_on and weights[columns.clues.index(key)] >= PROOF
        ),
        None,
    )


def _place_of_evidence(
    columns: Design, parameters: Parameters, seen: Seen, causes: Sequence[tuple[str, float]]
) -> int | None:
    """The first step of the strongest evidence for the first cause that is told."""
    clues = {key: (strength, step) for key, strength, step in seen.clues}
    for cause, share in causes[:MOST_SHOWN]:
        weights = parameters.weights[columns.causes.index(cause)]
        speaking = [
            (weights[columns.clues.index(key)] * strength, step)
            for key, (strength, step) in clues.items()
            if weights[columns.clues.index(key)] > 0
        ]
        if share >= SHOWN and speaking:
            return max(speaking, key=lambda pair: pair[0])[1]
    return None


def _together(reports: Sequence[Prediction]) -> Prediction:
    """The worst attempt of a run, with the events of all."""
    kinds = tuple(kind for one in reports for kind in one.kinds)
    found = [Severity(one.severity) for one in reports if one.severity]
    gravest = max(found, key=lambda severity: severity.rank, default=None)
    severity = gravest.value if gravest else None
    return replace(min(reports, key=_gravity), severity=severity, kinds=kinds)


def _gravity(one: Prediction) -> tuple[bool, int, bool, float]:
    rank = -Severity(one.severity).rank if one.severity else 1
    return (
        one.verdict == HEALTHY,
        rank,
        one.verdict == INCONCLUSIVE,
        -one.causes[0][1],
    )


def _unread(truth: Truth) -> Prediction:
    return Prediction(truth, HEALTHY, 0.0, (), (), None, None, ())


def _second(pair: tuple[str, float]) -> float:
    return -pair[1]


def calibrated_temperature(
    columns: Design, folds: Sequence[tuple[Parameters, Sequence[Observation]]]
) -> float:
    """The divisor of the log-odds with which reports are as often right as they say.

    After Guo et al. 2017, On calibration of modern neural networks, with the squared error of the
    leading family's probability for a loss: a cause without any evidence in the log costs a
    logarithmic loss without bound. Each fold comes with the parameters fitted without it.
    """
    candidates = np.geomspace(0.5, 3.0, 30)

    def cost(temperature: float) -> float:
        errors = [
            (one.families[0][1] - (one.families[0][0] == one.truth.family)) ** 2
            for parameters, observations in folds
            for one in predict(columns, parameters, observations, temperature)
            if one.families and one.verdict != HEALTHY
        ]
        return float(np.mean(errors)) if errors else float("inf")

    return float(min(candidates, key=cost))
