"""`inspect` tells what is there, as text and as JSON."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from gradcheck.model import Lost, Message, Role, Said
from gradcheck.reports.base import Canvas
from gradcheck.reports.inventory import as_json, as_text, gaps, rewinds
from tests.reports.conftest import nan_input, run, series


def test_a_run_is_described() -> None:
    assert as_text([nan_input().run], Canvas(120)).splitlines() == [
        "runs/nan_input",
        "  csv, lightning, steps 0-399, 2 series, 800 points",
        "role       points  steps  min    max   not finite  series (* judged)",
        "loss       400     0-399  0.299  2.3   88          train/loss *",
        "grad norm  400     0-399  0.698  2.23  88          grad_norm *",
    ]


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits(width: int) -> None:
    column = series("layer.\x1b[2J" * 40, np.array([np.nan, 1.0]), Role.OTHER)
    text = as_text([run("r" * 200, column)], Canvas(width))
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text


def test_rewinds_are_told() -> None:
    steps = np.array([0, 1, 2, 3, 1, 2, 3])
    column = dataclasses.replace(series("loss", np.ones(7), Role.LOSS), step=steps)
    assert rewinds(run("r", column)) == [(3, 1)]
    assert "the step goes back 1 time: 3 to 1" in as_text([run("r", column)], Canvas())


def test_json_has_the_same_facts() -> None:
    found = json.loads(as_json([nan_input().run]))["runs"][0]
    assert found["series"][0] == {
        "name": "train/loss",
        "role": "loss",
        "primary": True,
        "points": 400,
        "first_step": 0,
        "last_step": 399,
        "min": pytest.approx(0.2990, abs=1e-3),
        "max": pytest.approx(2.304, abs=1e-2),
        "nonfinite": 88,
    }


def test_an_empty_series_is_no_trouble() -> None:
    found = run("r", series("loss", np.array([]), Role.LOSS))
    assert "loss" in as_text([found], Canvas())
    assert json.loads(as_json([found]))["runs"][0]["first_step"] is None


def test_gaps_are_told() -> None:
    steps = np.array([0, 10, 20, 30, 40, 400, 410])
    column = dataclasses.replace(series("loss", np.ones(7), Role.LOSS), step=steps)
    found = run("r", column)
    assert gaps(found) == [(40, 400)]
    assert "no points for long, 1 time: 40 to 400" in as_text([found], Canvas())
    even = dataclasses.replace(series("loss", np.ones(7), Role.LOSS), step=np.arange(7) * 100)
    assert gaps(run("r", even)) == []


def test_damage_messages_and_hyperparameters_are_told() -> None:
    found = dataclasses.replace(
        nan_input().run,
        by_line=True,
        lost=(Lost("events.1", 10, 90),),
        messages=(Message(Said.OUT_OF_MEMORY, 500, "CUDA out of memory\x1b[2J"),),
        hparams={"lr": 0.1, "optimizer": "adam"},
    )
    text = as_text([found], Canvas(120))
    assert "it says: line 500: CUDA out of memory" in text
    assert "hyperparameters: lr=0.1, optimizer=adam" in text
    assert "\x1b" not in text
    facts = json.loads(as_json([found]))["runs"][0]
    assert facts["lost"] == [{"file": "events.1", "first": 10, "stop": 90}]
    assert facts["messages"][0]["line"] == 500
    assert facts["hparams"] == {"lr": 0.1, "optimizer": "adam"}
