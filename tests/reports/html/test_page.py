"""The HTML report as text: one file, in ASCII, whose names are nothing but names."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import unicodedata
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.model import Report, Role, RunReport
from gradcheck.reports import html_text
from gradcheck.reports.base import Canvas
from gradcheck.reports.html import RENDERER
from tests.reports.conftest import healthy, run, series
from tests.reports.html import cases
from tests.reports.html.conftest import render

NAMES = ["exploding", "healthy", "many", "nan_input", "nothing", "unclear"]
MEGABYTE = 1_000_000


class Outline(HTMLParser):
    """The tags of a page, their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.raw: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in ("script", "style"):
            self.raw.append((self.cdata_elem, data))


@pytest.mark.parametrize("name", NAMES)
def test_every_report_is_a_page_in_ascii(reports: dict[str, Report], name: str) -> None:
    text = RENDERER.render(reports[name], Canvas())
    assert text.startswith("<!doctype html>")
    assert text.isascii()
    assert text == RENDERER.render(reports[name], Canvas())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_points_outside(reports: dict[str, Report], name: str) -> None:
    outline = Outline(RENDERER.render(reports[name], Canvas()))
    links = {v for _, n, v in outline.attributes if n in ("href", "src", "srcset", "action")}
    assert {link for link in links if not re.fullmatch(r"#run-\d+|data:,", link)} == set()
    assert not {n for _, n, _ in outline.attributes if n == "style" or n.startswith("on")}
    styles = "".join(text for tag, text in outline.raw if tag == "style")
    assert "url(" not in styles
    assert "@import" not in styles


def test_the_policy_names_what_is_in_the_page(reports: dict[str, Report]) -> None:
    outline = Outline(RENDERER.render(reports["many"], Canvas()))
    [policy] = [v for _, n, v in outline.attributes if n == "content" and "default-src" in v]
    code = [text for _, text in outline.raw if not text.startswith("{")]
    hashes = {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in code}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == hashes
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none';")


@pytest.mark.parametrize("name", [cases.HOSTILE, cases.LONG, "\udc80", "a" * 500 + "<b>"])
def test_names_change_no_tag(name: str) -> None:
    plain, hostile = (Outline(render(cases.hostile(text))) for text in ("name", name))
    assert hostile.tags == plain.tags
    assert [item[:2] for item in hostile.attributes] == [item[:2] for item in plain.attributes]


def test_a_long_name_leaves_the_page_small() -> None:
    assert len(render(cases.hostile(cases.LONG))) < len(render(cases.hostile("name"))) + 60_000


@given(st.text(max_size=60))
def test_embedded_json_stays_in_its_element(text: str) -> None:
    embedded = html_text.embedded({text: [text, 1.5, None]})
    assert not set("<>&\u2028\u2029") & set(embedded)
    assert json.loads(embedded) == {text: [text, 1.5, None]}


@given(st.text(max_size=60))
def test_shown_text_has_nothing_that_moves(text: str) -> None:
    shown = str(html_text.shown(text))
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_a_snippet_keeps_its_lines() -> None:
    assert html_text.code("if x < 1:\n\tstop()\n\x1b") == "if x &lt; 1:\n    stop()\n\\x1b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the loss rose", "The loss rose"),
        ("grad_norm/0.weight gets nothing", "grad_norm/0.weight gets nothing"),
        ("", ""),
    ],
)
def test_a_sentence_has_a_capital_unless_a_name_begins_it(text: str, shown: str) -> None:
    assert html_text.sentence(text) == shown


def test_many_runs_fit_into_one_file() -> None:
    text = RENDERER.render(cases.sweep(300), Canvas())
    assert len(text) < 4 * MEGABYTE
    assert text.count("<tr>\n        <td data-key=") == 300
    assert text.count('<details class="run"') == 100


def test_the_picture_of_a_long_loss_is_whole() -> None:
    values = np.random.default_rng(0).normal(0, 1, 5000)
    values[4000] = np.nan
    one, two = (
        RunReport(run(f"runs/{at}", series("loss", values, Role.LOSS)), "healthy", 0.9, None)
        for at in range(2)
    )
    [path, other] = re.findall(r'<path d="([^"]{100,})"/>', render(one, two))
    assert path == other
    assert re.fullmatch(r"(M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)*)+", path)
    assert path.count("M") == 2


def test_many_layers_fit_into_one_file() -> None:
    assert len(render(cases.layered(400))) < 2 * MEGABYTE


def test_a_replay_says_whether_the_failure_came_back() -> None:
    text = render(cases.replayed())
    assert "The failure came back, bit for bit the same." in text
    assert "from a snapshot at step 308" in text
    assert re.search(r"Leave sample 301 out.*?prevented.*?25.*?0\.413", text, re.DOTALL)


def test_the_place_of_a_fault_is_told() -> None:
    text = render(cases.replayed())
    for told in ("train.py:41", "encoder.layers.2", "aten::log", "301, 17 of the data set"):
        assert told in text


def test_paths_are_given_below_their_common_folder() -> None:
    text = render(healthy("/a/b/one"), healthy("/a/b/two"))
    assert "Run in /a/b" in text
    assert '<a href="#run-1">two</a>' in text
