"""Predictions for every log by weights that have never seen its recipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.progress import track

from gradcheck.weight_table import clue_kinds
from tests.evaluation.fitting import Design, Parameters, fit
from tests.evaluation.judging import Prediction, calibrated_temperature, predict
from tests.evaluation.observations import Observation

OUTER, INNER = 10, 5


@dataclass(frozen=True)
class Fold:
    """The recipes left out together, and the rest."""

    left_out: list[Observation]
    rest: list[Observation]


def folds(observations: Sequence[Observation], number: int) -> Iterator[Fold]:
    """Split whole recipes; those of one cause go into different folds."""
    recipes = sorted({(o.truth.cause or "", o.truth.recipe) for o in observations})
    place = {recipe: i % number for i, (_, recipe) in enumerate(recipes)}
    for i in range(number):
        out = [o for o in observations if place[o.truth.recipe] == i]
        rest = [o for o in observations if place[o.truth.recipe] != i]
        if out and rest:
            yield Fold(out, rest)


def fit_calibrated(columns: Design, observations: Sequence[Observation]) -> Parameters:
    """Fit, and divide by the temperature that recipes left out within `observations` ask for.

    What only `watch` sees is in no log: nothing of it was fitted, or is to be calibrated.
    """
    inner = [(fit(columns, fold.rest), fold.left_out) for fold in folds(observations, INNER)]
    temperature = calibrated_temperature(columns, inner)
    p = fit(columns, observations)
    logged = [bool(clue_kinds()[clue].needs) for clue in columns.clues]
    weights = np.where(logged, p.weights / temperature, p.weights)
    return Parameters(weights, p.priors / temperature, p.none / temperature)


def held_out(
    columns: Design, observations: Sequence[Observation], *, calibrated: bool = True
) -> list[Prediction]:
    """A prediction for each observation, from weights fitted and calibrated without its recipe."""
    how = fit_calibrated if calibrated else fit
    found: list[Prediction] = []
    for fold in track(list(folds(observations, OUTER)), "fitting"):
        found += predict(columns, how(columns, fold.rest), fold.left_out)
    return found
