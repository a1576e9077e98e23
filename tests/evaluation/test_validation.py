"""No prediction comes from weights that have seen a run of its recipe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from gradcheck.weight_table import clue_kinds
from tests.evaluation import validation
from tests.evaluation.fitting import Design, Parameters, design, unfitted
from tests.evaluation.judging import Prediction, predict
from tests.evaluation.made_up import observations
from tests.evaluation.observations import Observation
from tests.evaluation.validation import INNER, OUTER, fit_calibrated, folds, held_out

COLUMNS = design()


def recipes_of(found: Sequence[Observation]) -> set[str]:
    return {one.truth.recipe for one in found}


def suite() -> list[Observation]:
    """With a recipe whose runs a log tells apart: its variants have different causes."""
    found = observations(11, recipes=43, runs=3)
    return [
        replace(one, truth=replace(one.truth, cause="learning_rate_too_high"))
        if one.truth.recipe in ("recipe2", "recipe31") and one.truth.variant == 1
        else one
        for one in found
    ]


SUITE = suite()


@pytest.mark.parametrize("number", [2, INNER, OUTER, 100])
def test_folds_split_whole_recipes(number: int) -> None:
    left_out: list[Observation] = []
    for fold in folds(SUITE, number):
        assert not recipes_of(fold.left_out) & recipes_of(fold.rest)
        assert len(fold.left_out) + len(fold.rest) == len(SUITE)
        left_out += fold.left_out
    assert Counter(map(id, left_out)) == Counter(map(id, SUITE))


def test_the_recipes_of_a_cause_go_into_different_folds() -> None:
    cause = "gradient_growth"
    family = [replace(o, truth=replace(o.truth, cause=cause)) for o in SUITE[:12]]
    for fold in folds(family, 4):
        assert len(recipes_of(fold.left_out)) == 1


def test_every_observation_is_predicted_once_by_weights_that_know_no_run_of_its_recipe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the outer folds and in the inner ones, by which the temperature is chosen."""
    taught: dict[int, set[str]] = {}
    kept: list[Parameters] = []
    inner: list[tuple[set[str], set[str]]] = []
    judged: list[tuple[set[str], set[str]]] = []

    def fit(columns: Design, found: Sequence[Observation]) -> Parameters:
        kept.append(replace(unfitted(columns)))
        taught[id(kept[-1])] = recipes_of(found)
        return kept[-1]

    def temperature(
        columns: Design, pairs: Sequence[tuple[Parameters, Sequence[Observation]]]
    ) -> float:
        inner.extend((taught[id(p)], recipes_of(found)) for p, found in pairs)
        return 1.5

    def calibrated(columns: Design, found: Sequence[Observation]) -> Parameters:
        before = len(inner)
        p = fit_calibrated(columns, found)
        for knows, is_asked in inner[before:]:
            assert knows | is_asked == recipes_of(found)
        kept.append(p)
        taught[id(p)] = recipes_of(found)
        return p

    def judge(columns: Design, p: Parameters, found: Sequence[Observation]) -> list[Prediction]:
        judged.append((taught[id(p)], recipes_of(found)))
        return predict(columns, p, found)

    monkeypatch.setattr(validation, "fit", fit)
    monkeypatch.setattr(validation, "calibrated_temperature", temperature)
    monkeypatch.setattr(validation, "fit_calibrated", calibrated)
    monkeypatch.setattr(validation, "predict", judge)
    predictions = held_out(COLUMNS, SUITE)

    assert len(judged) == OUTER
    assert len(inner) == OUTER * INNER
    assert all(knows and is_asked and not knows & is_asked for knows, is_asked in judged + inner)
    told = Counter((p.truth.recipe, p.truth.variant) for p in predictions)
    assert told == Counter((o.truth.recipe, o.truth.variant) for o in SUITE)
    assert set(told.values()) == {1}


def test_calibration_is_of_what_logs_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "fit", lambda columns, found: unfitted(columns))
    monkeypatch.setattr(validation, "calibrated_temperature", lambda columns, pairs: 2.0)
    p = fit_calibrated(COLUMNS, SUITE)
    inside = np.array([not clue_kinds()[clue].needs for clue in COLUMNS.clues])
    assert 0 < inside.sum() < len(inside)
    assert np.array_equal(p.weights[:, ~inside], COLUMNS.expected[:, ~inside] / 2)
    assert np.array_equal(p.weights[:, inside], COLUMNS.expected[:, inside])
    assert np.array_equal(p.priors, COLUMNS.priors / 2)
    assert np.array_equal(p.none, COLUMNS.none / 2)
