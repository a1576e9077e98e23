"""The registry of recipes, and a few of them trained for real."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from gradcheck import weight_table
from gradcheck.model import Family
from tests.faults import build as building
from tests.faults.build import Training, build
from tests.faults.draw import Draw
from tests.faults.lab import Lab
from tests.faults.recipe import HEALTHY, SHOWS, Recipe, Row, all_recipes
from tests.faults.record import Record, columns_of

RECIPES = all_recipes()
FAILING = [recipe for recipe in RECIPES.values() if recipe.failing]
SOUND = [recipe for recipe in RECIPES.values() if not recipe.failing]
OTHER_FAMILY: frozenset[str] = frozenset()
"""Recipes whose family is, on purpose, not that of the cause which a log can tell."""
NOT_IN_A_LOG: frozenset[str] = frozenset()
"""Causes that no training can be made to show."""
FAST = (
    "dead_sensor_in_new_shard",
    "compressed_spectrum_of_silence",
    "cosine_restart_too_high",
)
"""Of bad_data, operations_backward and optimisation: built in about a second."""


def test_there_are_enough_of_both() -> None:
    assert len(FAILING) >= 70
    assert len(SOUND) >= 30


@pytest.mark.parametrize("recipe", FAILING, ids=lambda recipe: recipe.name)
def test_a_failing_recipe_names_its_truth(recipe: Recipe) -> None:
    assert recipe.cause is not None
    assert recipe.cause in weight_table.causes()
    family = weight_table.causes()[recipe.cause].family.value
    assert (recipe.family == family) is (recipe.name not in OTHER_FAMILY)
    assert recipe.shows in SHOWS
    assert recipe.mechanism
    assert recipe.repair
    assert recipe.run.__doc__


@pytest.mark.parametrize("recipe", SOUND, ids=lambda recipe: recipe.name)
def test_a_healthy_recipe_has_no_fault(recipe: Recipe) -> None:
    assert recipe.family == HEALTHY
    assert (recipe.cause, recipe.shows, recipe.repair) == (None, None, None)
    assert recipe.mechanism, "what tempts a detector"
    assert recipe.run.__doc__


def test_every_cause_has_a_recipe() -> None:
    assert set(weight_table.causes()) - {r.cause for r in FAILING} == NOT_IN_A_LOG
    assert {r.family for r in FAILING} == {family.value for family in Family}


def test_names_and_words_are_each_their_own() -> None:
    assert all(name == recipe.run.__name__ for name, recipe in RECIPES.items())
    words = Counter((recipe.run.__doc__ or "").strip() for recipe in RECIPES.values())
    assert [text for text, times in words.items() if times > 1] == []


in_one_process = pytest.mark.xdist_group("fault_recipes")
"""What is built once is built in one process only."""


@pytest.fixture(scope="module", params=FAST)
def built(request: pytest.FixtureRequest) -> tuple[Recipe, Record, Training]:
    """A recipe with its first variant and the repaired twin of that."""
    recipe = RECIPES[request.param]
    with pytest.MonkeyPatch.context() as patch, one_thread():
        trained: list[Training] = []

        def training(recipe: Recipe, lab: Lab) -> Training:
            trained.append(original(recipe, lab))
            return trained[-1]

        original = building.training
        patch.setattr(building, "training", training)
        record = build(recipe, 0)
    return recipe, record, next(run for run in reversed(trained) if run.lab.repaired)


class one_thread:
    """As the workers of a build train, and then as before."""

    def __enter__(self) -> None:
        self.before = torch.get_num_threads()
        torch.set_num_threads(1)

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self.before)


def same(one: Record, other: Record) -> bool:
    plain = [k for k in vars(one) if k not in ("step", "columns", "logged", "odd")]
    groups = ((one.columns, other.columns), (one.logged, other.logged), (one.odd, other.odd))
    return (
        all(getattr(one, name) == getattr(other, name) for name in plain)
        and np.array_equal(one.step, other.step)
        and all(a.keys() == b.keys() for a, b in groups)
        and all(np.array_equal(a[k], b[k], equal_nan=True) for a, b in groups for k in a)
    )


@in_one_process
def test_two_builds_are_equal(built: tuple[Recipe, Record, Training]) -> None:
    recipe, record, _ = built
    with one_thread():
        assert same(build(recipe, 0), record)


@in_one_process
def test_a_record_is_saved_and_loaded(
    built: tuple[Recipe, Record, Training], tmp_path: Path
) -> None:
    _, record, _ = built
    record.save(tmp_path / "deep" / "record.npz")
    assert same(Record.load(tmp_path / "deep" / "record.npz"), record)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["record.npz"]


@in_one_process
def test_the_repaired_twin_is_sound(built: tuple[Recipe, Record, Training]) -> None:
    _, record, twin = built
    assert twin.error is None
    assert np.isfinite(twin.loss).all()
    rows = min(len(twin.step), len(record.step))
    assert np.array_equal(twin.step[:rows], record.step[:rows])


@in_one_process
def test_the_truth_is_in_the_record(built: tuple[Recipe, Record, Training]) -> None:
    recipe, record, _ = built
    assert (record.recipe, record.family, record.cause) == (
        recipe.name,
        recipe.family,
        recipe.cause,
    )
    assert record.earliest is not None
    assert record.latest is not None
    assert record.step[0] <= record.earliest <= record.latest <= record.step[-1]
    shapes = {len(column) for group in (record.columns, record.logged, record.odd)
              for column in group.values()}  # fmt: skip
    assert shapes == {len(record.step)}


@in_one_process
def test_another_variant_is_another_training() -> None:
    recipe = RECIPES[FAST[1]]
    with one_thread():
        one, other = (
            building.training(recipe, Lab(Draw(recipe.name, variant, 0))) for variant in (0, 1)
        )
    assert not np.array_equal(one.loss[:20], other.loss[:20])


def test_a_cell_that_is_not_logged_is_told_from_a_nan() -> None:
    rows = [
        Row(0, 1.0, validation=None, layers={"a": 1.0}),
        Row(1, float("nan"), validation=2.0),
    ]
    step, columns, logged = columns_of(rows)
    assert step.tolist() == [0, 1]
    assert logged["loss"].tolist() == [True, True]
    assert logged["validation"].tolist() == [False, True]
    assert logged["layers/a"].tolist() == [True, False]
    assert np.isnan(columns["loss"][1])
    assert "rate" not in columns
