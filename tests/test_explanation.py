"""`explain` lists the causes, shows one, and helps with a misspelt one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from gradcheck.catalogue import Entry
from gradcheck.errors import UsageError
from gradcheck.explanation import article, find, overview
from gradcheck.model import Family


def entry(
    name: str, family: Family = Family.BAD_DATA, summary: str = "One line.", **weights: float
) -> Entry:
    docs = "## What happens\n\nA NaN reached the model.\n"
    return Entry(name, family, summary, docs, list(weights.items()))


def shown(renderable: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_the_overview_is_by_family() -> None:
    made = [
        entry("a"),
        entry("c", summary="[red]Not markup."),
        entry("b", Family.UNSTABLE_LOSS),
    ]
    text = shown(overview(made))
    words = ["bad_data", "  a", "  c", "[red]Not markup.", "unstable_loss", "  b"]
    places = [text.index(word) for word in words]
    assert places == sorted(places)


def test_an_article_has_the_docs_and_the_weights() -> None:
    text = shown(article(entry("a", supports=2.0, opposes=-1.5)))
    assert "What happens" in text
    assert text.index("+2.0  supports") < text.index("-1.5  opposes")


@pytest.mark.parametrize("name", ["log_of_zero", "log-of-zero", "Log of zero"])
def test_a_known_cause_is_found(name: str) -> None:
    assert find([entry("b"), entry("log_of_zero")], name).name == "log_of_zero"


@pytest.mark.parametrize("name", ["log_of_zer", "logofzero", "zero log"])
def test_a_misspelt_cause_gets_the_nearest_names(name: str) -> None:
    with pytest.raises(UsageError, match="did you mean log_of_zero"):
        find([entry("log_of_zero"), entry("outlier_batch")], name)


def test_an_unknown_cause_points_to_the_list() -> None:
    with pytest.raises(UsageError, match="lists them all"):
        find([entry("log_of_zero")], "xyz")
