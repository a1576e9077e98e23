"""What was measured goes between its own markers, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluation.readme import README, put

PAGE = """# Title

<!-- evaluated: scores -->
| old |
<!-- end -->

<!-- generated: gradcheck explain -->
kept
<!-- end -->

<!-- evaluated: confusion -->
<!-- end -->
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(PAGE, "utf-8")
    return path


def test_only_the_text_between_its_markers_is_replaced(page: Path) -> None:
    put("scores", "\n| new |\n| λ |\n", page)
    assert page.read_text("utf-8") == PAGE.replace("| old |", "| new |\n| λ |")


def test_an_empty_block_is_filled(page: Path) -> None:
    put("confusion", "| table |", page)
    whole = PAGE.replace("confusion -->\n", "confusion -->\n| table |\n")
    assert page.read_text("utf-8") == whole


def test_writing_twice_changes_nothing_more(page: Path) -> None:
    put("scores", "| new |", page)
    once = page.read_text("utf-8")
    put("scores", "| new |", page)
    assert page.read_text("utf-8") == once


def test_backslashes_are_text(page: Path) -> None:
    put("scores", r"| truth \ verdict \1 \g<0> |", page)
    assert r"| truth \ verdict \1 \g<0> |" in page.read_text("utf-8")


@pytest.mark.parametrize("name", ["peers", "gradcheck explain", "score", "s.ores"])
def test_without_its_marker_it_refuses_and_writes_nothing(page: Path, name: str) -> None:
    with pytest.raises(SystemExit, match="no marker"):
        put(name, "| new |", page)
    assert page.read_text("utf-8") == PAGE


@pytest.mark.parametrize("name", ["scores", "confusion", "peers"])
def test_the_readme_has_each_marker_once(name: str) -> None:
    assert README.read_text("utf-8").count(f"<!-- evaluated: {name} -->") == 1
