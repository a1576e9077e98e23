"""Annotations survive whatever a log holds, and say what GitHub shows."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.model import Report, Severity
from gradcheck.reports.base import Canvas
from gradcheck.reports.escape import safe
from gradcheck.reports.github import MOST_SHOWN, RENDERER, command
from tests.reports.conftest import healthy, many, nan_input, recovered_spike
from tests.reports.made import HOSTILE, hostile_report, lined, replayed, sweep


@dataclasses.dataclass(frozen=True)
class Parsed:
    name: str
    properties: dict[str, str]
    message: str


def parse(line: str) -> Parsed | None:
    """A line of output as GitHub's runner reads it: None where it is no command."""
    line = line.lstrip()
    if not line.startswith("::") or "::" not in line[2:]:
        return None
    head, _, message = line[2:].partition("::")
    name, _, listed = head.partition(" ")
    pairs = (pair.partition("=") for pair in listed.split(",") if pair)
    properties = {key.strip(): unescape(value, ":,") for key, _, value in pairs}
    return Parsed(name, properties, unescape(message, ""))


def unescape(text: str, further: str) -> str:
    for character in [*further, "\n", "\r", "%"]:  # the per cent sign last, as the runner does
        text = text.replace(f"%{ord(character):02X}", character)
    return text


def render(report: Report, fail_on: Severity | None = Severity.FAILURE) -> str:
    return RENDERER.render(report, Canvas(fail_on=fail_on))


def parsed(report: Report, fail_on: Severity | None = Severity.FAILURE) -> list[Parsed]:
    found = (parse(line) for line in render(report, fail_on).split("\n"))
    return [one for one in found if one is not None]


names = st.text(st.characters(exclude_categories=["Cs"]))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["file", "line", "title"]), names), names)
def test_a_command_comes_back_as_it_went(properties: dict[str, str], message: str) -> None:
    line = command("error", dict(properties), message)
    assert "\n" not in line and "\r" not in line
    assert parse(line) == Parsed("error", properties, message)


def test_a_failure_is_an_error_at_the_script_line() -> None:
    (one,) = parsed(Report((replayed(),)))
    assert one.name == "error"
    assert (one.properties["file"], one.properties["line"]) == ("train.py", "41")
    assert one.properties["title"].startswith("gradcheck: NaN loss from step 312 on")
    lines = one.message.split("\n")
    assert lines[1] == "Run: runs/nan_input"
    assert "Change 1: Drop sample 137" in lines


def test_a_spike_is_a_warning_at_the_log_line() -> None:
    (one,) = parsed(Report((lined(),)))
    assert (one.name, one.properties["file"], one.properties["line"]) == (
        "warning",
        "runs/loss_only",
        "12",
    )


def test_severities() -> None:
    assert [one.name for one in parsed(many())] == ["error", "error", "error", "warning", "error"]
    assert parsed(many())[-1].properties == {"title": "gradcheck: not judged"}


def test_a_healthy_run_is_no_annotation() -> None:
    assert render(Report((healthy(),))) == "gradcheck: 1 healthy, of 1 run\n"


def test_what_a_healthy_run_shook_off_is_told_if_it_fails_the_build() -> None:
    warned = dataclasses.replace(
        recovered_spike(),
        events=(dataclasses.replace(recovered_spike().events[0], severity=Severity.WARNING),),
    )
    assert parsed(Report((warned,))) == []
    assert [one.name for one in parsed(Report((warned,)), Severity.WARNING)] == ["notice"]


def test_nothing_to_judge_is_an_error() -> None:
    (one,) = parsed(Report(()))
    assert (one.name, one.message) == ("error", "Nothing to judge: no run was found.")


def test_hostile_names_stay_in_their_annotation() -> None:
    text = render(hostile_report())
    assert [one.name for one in parsed(hostile_report())] == ["error", "warning", "error"]
    for line in text.splitlines():
        assert line.startswith(("::error ", "::warning ", "gradcheck: "))
        assert not re.search(r"[\x00-\x1f\x7f\u2028\ud800-\udfff]", line)
        assert "##[" not in line or line.startswith("::")
    first = parsed(hostile_report())[0]
    assert first.properties["file"] == safe(HOSTILE.replace("//", "/"))  # as pathlib has it
    assert list(first.properties) == ["file", "line", "title"]


def test_no_more_than_github_shows() -> None:
    text = render(sweep(60))
    assert text.count("::error ") == MOST_SHOWN
    assert f"gradcheck: {60 - MOST_SHOWN} more runs without an annotation" in text


@pytest.mark.parametrize("path", ["a,b:c%d.csv", "x::y/z.csv", "-n.csv"])
def test_paths_come_back(path: str) -> None:
    report = nan_input()
    report = dataclasses.replace(report, run=dataclasses.replace(report.run, path=Path(path)))
    assert parsed(Report((report,)))[0].properties["file"] == path
