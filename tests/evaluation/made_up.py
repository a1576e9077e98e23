"""Observations and predictions made by hand, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gradcheck import weight_table
from gradcheck.model import HEALTHY, INCONCLUSIVE
from tests.evaluation.judging import Prediction
from tests.evaluation.observations import Observation, Seen
from tests.faults.suite import Truth

CIRCUMSTANCES = ("warned", "passing", "failed")


def truth(
    recipe: str = "recipe",
    family: str = HEALTHY,
    cause: str | None = None,
    *,
    variant: int = 0,
    window: tuple[int, int] | None = None,
    cadence: int = 1,
) -> Truth:
    """A truth at the level of the gradient norm."""
    earliest, latest = window or (None, None)
    path = f"logs/norm/{recipe}-{variant}"
    return Truth(
        recipe, variant, "norm", path, family, cause, earliest, latest, cadence, visible=True
    )


def seen(strengths: Mapping[str, float], circumstance: str = "failed") -> Seen:
    """An attempt in which these clues were seen."""
    failed = circumstance == "failed"
    severity = {"failed": "failure", "warned": "warning", "passing": "spike"}.get(circumstance)
    clues = tuple((key, strength, 7) for key, strength in strengths.items())
    return Seen(circumstance, failed, severity, ("nonfinite_loss",) * failed, 5, clues)


def observation(of: Truth, strengths: Mapping[str, float], circumstance: str) -> Observation:
    """A log of one attempt."""
    return Observation(of, (seen(strengths, circumstance),))


def observations(seed: int, recipes: int, runs: int = 2) -> list[Observation]:
    """Runs that show a random half of what their causes expect, and some healthy ones."""
    random = np.random.default_rng(seed)
    table = weight_table.expected()
    names = list(table.prior)
    clues = list(weight_table.clue_kinds())
    found = []
    for number in range(recipes):
        cause = None if number % 5 == 4 else names[int(random.integers(len(names)))]
        family = HEALTHY if cause is None else weight_table.causes()[cause].family.value
        for variant in range(runs):
            likely = [] if cause is None else [k for k, w in table.weight[cause].items() if w > 0]
            picked = [clue for clue in likely if random.random() < 0.6]
            picked += [clues[i] for i in random.integers(len(clues), size=2)]
            strengths = {clue: float(random.uniform(0.2, 1.0)) for clue in picked}
            of = truth(f"recipe{number}", family, cause, variant=variant, window=(3, 6))
            circumstance = CIRCUMSTANCES[int(random.integers(3))] if cause is None else "failed"
            found.append(observation(of, strengths, circumstance))
    return found


def prediction(
    of: Truth,
    verdict: str,
    families: Mapping[str, float],
    causes: Sequence[str] = (),
    *,
    step: int | None = None,
    severity: str | None = "failure",
) -> Prediction:
    """A prediction with these probabilities, the greatest first."""
    leading = next(iter(families.values()), 0.0)
    if verdict not in (HEALTHY, INCONCLUSIVE):
        assert verdict == next(iter(families))
    shares = tuple((cause, 0.5**at) for at, cause in enumerate(causes, 1))
    pairs = tuple(families.items())
    return Prediction(of, verdict, leading, pairs, shares, step, severity, ("nonfinite_loss",))
