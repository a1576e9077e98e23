"""Scores as Markdown, and weights as the package carries them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

import gradcheck
from gradcheck import weight_table
from gradcheck.model import HEALTHY, INCONCLUSIVE, Family
from tests.evaluation import tables
from tests.evaluation.made_up import prediction, truth
from tests.evaluation.scoring import Score, score
from tests.faults.presentation import LEVELS

WRONG = prediction(
    truth("drifts", "bad_data", "outlier_batch", window=(40, 50)),
    "unstable_loss",
    {"unstable_loss": 0.8},
    ["unbounded_loss", "outlier_batch"],
    step=70,
)
RIGHT = prediction(
    truth("blows", "bad_data", "outlier_batch", variant=1, window=(4, 5)),
    "bad_data",
    {"bad_data": 0.9},
    ["outlier_batch"],
    step=4,
)
OPEN = prediction(
    truth("blows", "bad_data", "outlier_batch", window=(4, 5)), INCONCLUSIVE, {"bad_data": 0.4}
)
SOUND = prediction(truth("sound"), HEALTHY, {}, severity=None)


def cells(line: str) -> list[str]:
    assert line.startswith("| ")
    assert line.endswith(" |")
    return [cell.strip() for cell in line[1:-1].split("|")]


def test_each_level_has_a_column_and_each_figure_a_row() -> None:
    right, wrong = score([RIGHT, SOUND]), score([WRONG])
    head, rule, *rows = tables.scores({"loss": wrong, "full": right}).splitlines()
    assert cells(head) == ["", "loss only", "+ loss scale, layers"]
    assert cells(rule) == ["---"] * 3
    by_title = {title: figures for title, *figures in map(cells, rows)}
    assert list(by_title) == list(tables.FIGURES.values())
    assert by_title["family right, of the decided"] == ["0.000", "1.000"]
    assert by_title["healthy runs with a failure"] == ["", "0.000"], "no figure is an empty cell"


def test_every_level_has_a_title_and_every_figure_exists() -> None:
    assert set(tables.TITLES) == set(LEVELS)
    assert set(tables.FIGURES) == set(Score.__annotations__) - {"failing", "healthy"}


def test_confusion_has_all_families_and_no_zeros() -> None:
    head, _, *rows = map(cells, tables.confusion([RIGHT, RIGHT, WRONG, OPEN, SOUND]).splitlines())
    families = [family.value for family in Family]
    assert head == ["truth \\ verdict", *families, INCONCLUSIVE, HEALTHY]
    assert [row[0] for row in rows] == [*families, HEALTHY]
    by_truth = {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}
    filled = {k: v for k, v in by_truth["bad_data"].items() if v}
    assert filled == {"bad_data": "2", "unstable_loss": "1", INCONCLUSIVE: "1"}
    assert {k: v for k, v in by_truth[HEALTHY].items() if v} == {HEALTHY: "1"}
    assert not any(by_truth["corrupted_state"].values())


def test_an_ablation_has_a_row_for_each_question() -> None:
    lines = tables.ablation({"all evidence": score([RIGHT]), "onset": score([WRONG])}).splitlines()
    assert [cells(line)[0] for line in lines] == ["without", "---", "all evidence", "onset"]
    assert len({len(cells(line)) for line in lines}) == 1


def test_a_recipe_lists_its_runs_in_order() -> None:
    lines = tables.recipes([WRONG, RIGHT, OPEN]).splitlines()
    assert lines[0] == "bad_data outlier_batch [blows]"
    assert lines[1].startswith("    0 .X inconclusive failure")
    assert lines[2].startswith("    1 == bad_data failure [outlier_batch 0.50] step 4 of 4-5")
    assert "!" not in lines[2]
    assert lines[4].startswith("    0 XX unstable_loss failure [unbounded_loss 0.50")
    assert "step 70 of 40-50 !" in lines[4]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(gradcheck, "__file__", str(tmp_path / "__init__.py"))
    return tmp_path


def test_weights_are_kept_as_the_package_reads_them(package: Path) -> None:
    expected = weight_table.expected()
    weight = {c: {k: v / 2 for k, v in w.items()} for c, w in expected.weight.items()}
    tables.keep_weights(replace(expected, weight=weight))
    stored = json.loads((package / weight_table.FILE).read_text())
    assert stored["none"] == dict(expected.none)
    assert {c: one["clues"] for c, one in stored["causes"].items()} == weight
    assert {c: one["prior"] for c, one in stored["causes"].items()} == dict(expected.prior)


def test_keeping_the_same_weights_gives_the_same_file(package: Path) -> None:
    """Whatever the order of the catalogue."""
    expected = weight_table.expected()
    tables.keep_weights(expected)
    once = (package / weight_table.FILE).read_bytes()
    turned = {
        c: dict(reversed(list(w.items()))) for c, w in reversed(list(expected.weight.items()))
    }
    tables.keep_weights(replace(expected, weight=turned))
    assert (package / weight_table.FILE).read_bytes() == once
