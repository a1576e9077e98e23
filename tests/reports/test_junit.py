"""JUnit XML: valid against the schema of Jenkins, and a failing case where the build fails."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.model import Kind, Report, Severity
from gradcheck.reports.base import Canvas
from gradcheck.reports.junit import RENDERER, xml_text
from tests.reports.conftest import healthy, many, nan_input, recovered_spike
from tests.reports.made import hostile_report, replayed, sweep

SCHEMA = xmlschema.XMLSchema(Path(__file__).parent / "schemas" / "junit-10.xsd")
NAMES = ["nan_input", "exploding", "unclear", "healthy", "many", "nothing"]


def render(report: Report, fail_on: Severity | None = Severity.FAILURE) -> Element:
    text = RENDERER.render(report, Canvas(fail_on=fail_on))
    SCHEMA.validate(text)
    return ElementTree.fromstring(text.encode())


def ends(root: Element, tag: str) -> list[str | None]:
    return [case.get("name") for case in root.iter("testcase") if case.find(tag) is not None]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("fail_on", [*Severity, None])
def test_every_report_is_valid(
    reports: dict[str, Report], name: str, fail_on: Severity | None
) -> None:
    root = render(reports[name], fail_on)
    assert int(root.get("tests", "")) == len(list(root.iter("testcase"))) > 0
    assert int(root.get("failures", "")) == len(list(root.iter("failure")))
    assert int(root.get("errors", "")) == len(list(root.iter("error")))


def test_one_case_for_each_kind_of_event() -> None:
    root = render(Report((nan_input(),)))
    assert len(list(root.iter("testcase"))) == len(Kind)
    assert ends(root, "failure") == ["no nonfinite loss", "no nonfinite gradient"]
    assert "no nonfinite weights" in ends(root, "skipped")
    loss, gradient = root.iter("failure")
    assert loss.get("message", "").startswith("NaN loss from step 312 on: nonfinite input")
    assert "Change" in (loss.text or "") and "def collate(samples):" in (loss.text or "")
    assert "The diagnosis is told at: no nonfinite loss" in (gradient.text or "")


def test_what_does_not_fail_the_build_is_no_failing_case() -> None:
    assert ends(render(Report((recovered_spike(),))), "failure") == []
    assert ends(render(Report((recovered_spike(),))), "system-out") == ["no gradient spike"]
    assert ends(render(Report((recovered_spike(),)), Severity.SPIKE), "failure") == [
        "no gradient spike"
    ]
    assert ends(render(Report((nan_input(),)), None), "failure") == []


def test_nothing_to_judge_is_an_error() -> None:
    assert ends(render(Report(())), "error") == ["a run was found"]


def test_a_file_that_cannot_be_read_is_an_error_and_others_are_skipped() -> None:
    root = render(many())
    files = root.find("testsuite[@name='files']")
    assert files is not None
    assert (files.get("errors"), files.get("skipped")) == ("1", "1")


def test_names_are_unique() -> None:
    root = render(Report((healthy("a"), healthy("a"), replayed())))
    names = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(names) == len(set(names))


def test_hostile_names() -> None:
    root = render(hostile_report(), Severity.WARNING)
    assert {one.tag for one in root.iter()} == {
        "testsuites", "testsuite", "properties", "property", "testcase", "failure", "error",
        "skipped",
    }  # fmt: skip


def test_many_runs() -> None:
    assert len(render(sweep(20))) == 25


@settings(deadline=None)
@given(st.text(st.characters(codec=None, categories=None)))
def test_any_text_comes_back_through_a_parser(text: str) -> None:
    held = xml_text(text)
    element = Element("a", b=held)
    element.text = held
    back = ElementTree.fromstring(ElementTree.tostring(element, encoding="unicode").encode())
    # a parser makes every end of line a newline, unless it is written as an entity
    assert (back.text or "") == held.replace("\r\n", "\n").replace("\r", "\n")
    assert back.get("b") is not None


@pytest.mark.parametrize(
    ("text", "held"), [("a\x00b", "a\\u0000b"), ("\ufffe", "\\ufffe"), ("\ud800", "\\ud800")]
)
def test_what_xml_cannot_hold_is_visible(text: str, held: str) -> None:
    assert xml_text(text) == held
