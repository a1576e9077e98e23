"""The registry of recipes, and a few of them trained for real."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from gradcheck import weight_table
from gradcheck.clues import inside
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
NOT_IN_A_LOG = frozenset(
    {
        "argument_out_of_domain",
        "division_by_zero",
        "exponential_overflow",
        "fully_masked_softmax",
        "log_of_zero",
        "misplaced_clipping",
        "nonfinite_input",
        "nonfinite_target",
        "recurrent_growth",
        "undivided_accumulation",
    }
)
"""Causes that rest on what only `watch` sees: the log of a training shows a coarser one."""
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
    keys = weight_table.expected().keys
    assert all(keys[name] <= inside.CLUES.keys() for name in NOT_IN_A_LOG)


def test_names_and_words_are_each_their_own() -> None:
    assert all(name == recipe.run.__name__ for name, recipe in RECIPES.items())
    words = Counter((recipe.run.__doc__ or "").strip() for recipe in RECIPES.values())
    assert [text for text, times in words.items() if times > 1] == []


def built(recipe: Recipe) -> tuple[Record, Training]:
    """The first variant of a recipe, and the repaired twin of that."""
    with pytest.MonkeyPatch.context() as patch, one_thread():
        trained: list[Training] = []

        def training(recipe: Recipe, lab: Lab) -> Training:
            trained.append(original(recipe, lab))
            return trained[-1]

        original = building.training
        patch.setattr(building, "training", training)
        record = build(recipe, 0)
    return record, next(run for run in reversed(trained) if run.lab.repaired)


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


@pytest.mark.parametrize("name", FAST)
def test_a_recipe_is_built(name: str, tmp_path: Path) -> None:
    """The same each time, with its truth, beside a sound twin; and kept as it is."""
    recipe = RECIPES[name]
    record, twin = built(recipe)
    with one_thread():
        assert same(build(recipe, 0), record)
    is_kept(record, tmp_path / "deep" / "record.npz")
    is_true(record, recipe)
    is_sound(twin, record)


def is_kept(record: Record, path: Path) -> None:
    record.save(path)
    assert same(Record.load(path), record)
    assert list(path.parent.iterdir()) == [path], "nothing half-written is left"


def is_true(record: Record, recipe: Recipe) -> None:
    assert record.recipe == recipe.name
    assert (record.family, record.cause) == (recipe.family, recipe.cause)
    assert record.earliest is not None
    assert record.latest is not None
    assert record.step[0] <= record.earliest <= record.latest <= record.step[-1]
    groups = (record.columns, record.logged, record.odd)
    assert {len(column) for group in groups for column in group.values()} == {len(record.step)}
    assert not any(odd[record.step < record.earliest].any() for odd in record.odd.values())


def is_sound(twin: Training, record: Record) -> None:
    assert twin.error is None
    assert np.isfinite(twin.loss).all()
    rows = min(len(twin.step), len(record.step))
    assert np.array_equal(twin.step[:rows], record.step[:rows])


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
