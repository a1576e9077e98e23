"""The JSON report holds its schema, and the contract's own checker agrees."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from gradcheck.model import Report, Role, Trial, Unread, Where
from gradcheck.reports.base import Canvas
from gradcheck.reports.json import RENDERER, schema
from tests.reports.conftest import healthy, nan_input, run, series, unclear

CHECKER = Path(__file__).parents[3] / "shared" / "check_report.py"
NAMES = ["nan_input", "exploding", "unclear", "healthy", "many", "nothing"]


def render(report: Report) -> str:
    return RENDERER.render(report, Canvas())


def refuse(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("name", NAMES)
def test_reports_hold_the_schema(reports: dict[str, Report], name: str) -> None:
    document = json.loads(render(reports[name]), parse_constant=refuse)
    jsonschema.validate(document, strict(schema()))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(not CHECKER.exists(), reason="the contract's checker is not beside the project")
def test_reports_hold_the_contract(reports: dict[str, Report], name: str) -> None:
    checked = subprocess.run(
        [sys.executable, str(CHECKER)],
        input=render(reports[name]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_nonfinite_values_are_words() -> None:
    events = tuple(
        dataclasses.replace(nan_input().events[0], value=value)
        for value in (np.nan, np.inf, -np.inf, 2.5)
    )
    document = json.loads(render(Report((dataclasses.replace(nan_input(), events=events),))))
    values = [event["value"] for event in document["runs"][0]["events"]]
    assert values == ["nan", "inf", "-inf", 2.5]


def test_roles_are_complete_and_name_the_primary_series() -> None:
    roles = json.loads(render(Report((nan_input(),))))["runs"][0]["roles"]
    assert roles["loss"] == "train/loss"
    assert roles["grad_norm"] == "grad_norm"
    assert roles["learning_rate"] is None
    assert "other" not in roles


def test_a_layer_norm_stands_for_all_of_them() -> None:
    layers = [series(f"layer{i}", np.ones(3), Role.LAYER_GRAD_NORM) for i in range(3)]
    report = dataclasses.replace(healthy(), run=dataclasses.replace(run("r", *layers), primary={}))
    roles = json.loads(render(Report((report,))))["runs"][0]["roles"]
    assert roles["layer_grad_norm"] == "layer0"


def test_what_watch_will_fill_in_holds_the_schema() -> None:
    best = unclear().diagnoses[0]
    remedy = dataclasses.replace(best.remedies[0], trial=Trial("prevented", 25, None, 0.31))
    where = Where("forward", "encoder.2", "aten::log", "train.py", 41, (137,), 0)
    full = dataclasses.replace(best, remedies=(remedy,), where=where)
    report = Report((dataclasses.replace(unclear(), diagnoses=(full,)),))
    jsonschema.validate(json.loads(render(report)), strict(schema()))


def test_hostile_text_stays_ascii_and_parses() -> None:
    name = "loss\x1b[31m\u202e\x7f\udcff é"
    report = dataclasses.replace(
        healthy(), run=run("r", series(name, np.ones(2), Role.LOSS)), notes=(name,)
    )
    text = render(Report((report,), (Unread(Path("a\udc80b"), "no"),)))
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text)["runs"][0]["notes"] == [name.replace("\udcff", "\\udcff")]


def strict(node: Any) -> Any:
    """The schema with unknown keys refused: what is written must also be described."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: strict(value) for key, value in node.items()}
    if node.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed
