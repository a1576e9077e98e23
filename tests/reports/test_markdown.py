"""The Markdown report: whole pages, and names that try to become markup."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gradcheck.model import Report
from gradcheck.reports import markup
from gradcheck.reports.base import Canvas
from gradcheck.reports.escape import safe
from gradcheck.reports.markdown import MOST_CHARACTERS, RENDERER
from tests.reports.conftest import nan_input
from tests.reports.made import HOSTILE, hostile, hostile_report, replayed, sweep

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
APART = "\u200b"


def render(report: Report) -> str:
    return RENDERER.render(report, Canvas())


def hold_snapshot(name: str, text: str) -> None:
    stored = SNAPSHOTS / f"{name}.md"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        stored.write_text(text, encoding="utf-8")
    assert stored.read_text(encoding="utf-8") == text


def flat(tokens: list[Token] | None) -> Iterator[Token]:
    for token in tokens or []:
        yield token
        yield from flat(token.children)


def shown(source: str) -> str:
    """The text of one paragraph as a reader sees it; it fails where there is any markup."""
    tokens = PARSER.parse(source)
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    inline = tokens[1].children or []
    assert {token.type for token in inline} <= {"text", "text_special"}, inline
    return "".join(token.content for token in inline).replace(APART, "")


@pytest.mark.parametrize("name", ["nan_input", "unclear", "healthy", "many", "nothing"])
def test_page(reports: dict[str, Report], name: str) -> None:
    hold_snapshot(name, render(reports[name]))


def test_a_replay() -> None:
    text = render(Report((replayed(),)))
    hold_snapshot("replayed", text)
    assert "| Drop sample 137 | prevented | 25 | 0.31 |" in text
    assert "**Replayed** from step 308: the failure came back, bit for bit." in text


@settings(deadline=None)
@given(st.text().map(str.strip).filter(bool))
def test_text_is_shown_as_it_is(content: str) -> None:
    assert shown(markup.text(content)) == safe(content).replace(APART, "")


@pytest.mark.parametrize(
    "content",
    [
        "# no heading", "- no list", "+ none", "1. none", "12) none", "> no quote", "---", "===",
        "*a* __b__ _c_ ~~d~~ `e`", "[a](b)", "![a](b)", "<b>", "&lt;", "a\\*b", "| a | b |",
        "train_loss_epoch", "    no code", "\tno code", "***", "___", "<!-- c -->", "[a]: b",
    ],
)  # fmt: skip
def test_markup_is_shown_as_it_is(content: str) -> None:
    assert shown(markup.text(content.strip())) == safe(content.strip())


@pytest.mark.parametrize("content", ["@everyone", "a@b.com", "#12", "http://evil", "www.evil.com"])
def test_nothing_is_linked_or_mentioned(content: str) -> None:
    for written in (markup.text(content), markup.element("b", content)):
        plain = re.sub(r"&#(\d+);", lambda found: chr(int(found[1])), written)
        assert not re.search(r"@\w|#\d|://|www\.", plain)


@settings(deadline=None)
@given(st.text(min_size=1, alphabet=st.characters(exclude_characters="|")))
def test_a_code_span_holds_its_name(content: str) -> None:
    tokens = PARSER.parse(f"x {markup.code(content)} y")
    (span,) = (token for token in flat(tokens) if token.type == "code_inline")
    assert span.content.strip() == safe(content).strip()


@settings(deadline=None)
@given(st.text())
def test_a_block_holds_its_lines(content: str) -> None:
    tokens = PARSER.parse(markup.block(content, "python"))
    assert [token.type for token in tokens] == ["fence"]


@settings(deadline=None)
@given(st.text())
def test_an_element_holds_its_text(content: str) -> None:
    written = markup.element("b", content)
    assert written.count("<") == written.count(">") == 2
    assert "\n" not in written


def test_hostile_names_are_no_markup() -> None:
    tokens = list(flat(PARSER.parse(render(hostile_report()))))
    assert not {"link_open", "image"} & {token.type for token in tokens}
    html = [token.content for token in tokens if token.type in ("html_block", "html_inline")]
    tags = set(re.findall(r"</?(\w+)", "".join(html)))
    assert tags <= {"details", "summary", "code", "b"}
    assert "<script" not in "".join(html)


def test_tables_keep_their_columns() -> None:
    tokens = PARSER.parse(render(hostile_report()))
    rows = [i for i, token in enumerate(tokens) if token.type == "tr_open"]
    cells = [
        sum(t.type in ("td_open", "th_open") for t in tokens[a:b])
        for a, b in zip(rows, [*rows[1:], len(tokens)], strict=True)
    ]
    assert set(cells) == {5}


def test_a_comment_fits_github() -> None:
    text = render(sweep(400))
    assert len(text) <= MOST_CHARACTERS
    assert re.search(r"_\d+ more runs left out", text)
    assert text.count("<details><summary>") == text.count("</details>")
    told = text.count("<summary><code>")
    assert f"_{400 - told} more runs left out" in text


def test_long_names_are_shortened() -> None:
    long = nan_input()
    long = dataclasses.replace(long, run=dataclasses.replace(long.run, path=Path("p" * 100_000)))
    best = dataclasses.replace(long.diagnoses[0], summary="s" * 100_000)
    long = dataclasses.replace(long, diagnoses=(best,), notes=("n" * 100_000,))
    assert len(render(Report((long,)))) < 10_000
    assert len(render(Report((long, hostile())))) < 20_000


def test_hostile_text_keeps_its_words() -> None:
    assert shown(markup.text(HOSTILE)) == safe(HOSTILE)
