"""SARIF: valid against the schema of the standard, with rules that explain and places to look."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.model import Report, Severity
from gradcheck.reports.base import Canvas
from gradcheck.reports.places import spot
from gradcheck.reports.sarif import RENDERER, message
from tests.reports.conftest import healthy, many, nan_input, recovered_spike
from tests.reports.made import hostile_report, lined, replayed, sweep

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0-rtm.5.json").read_bytes())
VALIDATOR = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
NAMES = ["nan_input", "exploding", "unclear", "healthy", "many", "nothing"]


def render(report: Report, canvas: Canvas | None = None) -> dict[str, Any]:
    document = json.loads(RENDERER.render(report, canvas or Canvas()))
    VALIDATOR.validate(document)
    run: dict[str, Any] = document["runs"][0]
    return run


def test_the_schema_refuses_what_is_wrong() -> None:
    document = json.loads(RENDERER.render(many(), Canvas()))
    document["runs"][0]["results"][0]["level"] = "fatal"
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_valid(reports: dict[str, Report], name: str) -> None:
    found = render(reports[name])
    rules = [rule["id"] for rule in found["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in found["results"]] == [
        result["ruleId"] for result in found["results"]
    ]


def test_a_result_at_the_line_of_the_script() -> None:
    (result,) = render(Report((replayed(),)))["results"]
    assert result["ruleId"] == "nonfinite_input_or_target"
    assert (result["level"], result["rank"]) == ("error", 93.0)
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "train.py", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 41},
    }
    assert [one["name"] for one in location["logicalLocations"]] == [
        "encoder.layers.2",
        "aten::log",
    ]
    (related,) = result["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "runs/nan_input"
    assert result["message"]["text"].startswith("NaN loss from step 312 on")


def test_a_result_at_the_line_of_the_log() -> None:
    (result,) = render(Report((lined(),)))["results"]
    assert result["level"] == "warning"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 12}


def test_rules_explain_their_cause() -> None:
    (rule,) = render(Report((nan_input(),)))["tool"]["driver"]["rules"]
    assert rule["id"] == "nonfinite_input_or_target"
    assert "## What happens" in rule["help"]["markdown"]
    assert "##" not in rule["help"]["text"]
    assert rule["properties"]["tags"] == ["training", "bad_data"]


def test_a_spike_that_passed_is_ruled_by_its_kind() -> None:
    found = render(Report((recovered_spike(), healthy())))
    assert [result["ruleId"] for result in found["results"]] == ["gradient_spike"]


def test_the_invocation_tells_what_was_not_read() -> None:
    (invocation,) = render(many(), Canvas(exit_code=1))["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 1)
    assert [one["level"] for one in invocation["toolExecutionNotifications"]] == ["note", "error"]
    (fine,) = render(Report((healthy(),)))["invocations"]
    assert fine == {"executionSuccessful": True, "toolExecutionNotifications": []}


def test_nothing_to_judge_is_no_success() -> None:
    (invocation,) = render(Report(()))["invocations"]
    assert invocation["executionSuccessful"] is False


def test_the_fingerprint_outlives_another_step_and_tells_runs_apart() -> None:
    other = dataclasses.replace(nan_input(), first_bad_step=99)
    prints = [
        render(Report((report,)))["results"][0]["partialFingerprints"]["runAndCause/v1"]
        for report in (nan_input(), other, sweep(2).runs[1])
    ]
    assert prints[0] == prints[1] != prints[2]


def test_hostile_names() -> None:
    found = render(hostile_report(), Canvas(fail_on=Severity.WARNING))
    text = found["results"][0]["message"]["text"]
    assert "\\[l\\](javascript:x)" in text and "{{0}}" in text
    assert "\x1b" not in text and "\x00" not in text
    uri = found["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert not urlsplit(uri).scheme and not urlsplit(uri).fragment and uri.isascii()


LETTERS = st.characters(codec="utf-8", exclude_characters="/\\\0")
segments = st.text(min_size=1, alphabet=LETTERS)


@settings(deadline=None)
@given(st.lists(segments.filter(lambda s: s not in (".", "..", "~")), min_size=1, max_size=4))
def test_a_uri_leads_back_to_its_path(parts: list[str]) -> None:
    path = Path(*parts)
    found = spot(path)
    assert unquote(found.uri, errors="surrogateescape") == path.as_posix()
    assert urlsplit(found.uri).path == found.uri


def test_uris_of_other_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert spot(tmp_path / "a b" / "c.csv").uri == "a%20b/c.csv"
    assert spot("/elsewhere/c#1.csv").uri == "file:///elsewhere/c%231.csv"
    assert spot("s3://bucket/run 1").uri == "s3://bucket/run%201"
    assert not spot("s3://bucket/run").is_relative


@settings(deadline=None)
@given(st.text())
def test_a_message_holds_no_link_and_no_placeholder(text: str) -> None:
    escaped = message(text)["text"]
    back = escaped.replace("{{", "{").replace("}}", "}")
    for character in "[]\\":
        back = back.replace(f"\\{character}", f"\0{ord(character)}\0")
    assert "[" not in back and "]" not in back
