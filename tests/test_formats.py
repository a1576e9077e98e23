"""Output formats are found by their files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck import formats
from gradcheck.errors import UsageError
from gradcheck.plugins import collect


def test_the_names_are_those_of_the_renderers() -> None:
    assert set(formats.names()) == set(collect("reports", "RENDERER"))


def test_no_two_formats_share_a_suffix() -> None:
    suffixes = [s for r in collect("reports", "RENDERER").values() for s in r.suffixes]
    assert len(suffixes) == len(set(suffixes))


@pytest.mark.parametrize(
    ("name", "output", "chosen"),
    [
        (None, None, "text"),
        ("json", None, "json"),
        (None, "report.json", "json"),
        (None, "REPORT.TXT", "text"),
        ("text", "report.json", "text"),
        (None, "report.sarif.json", "sarif"),
        (None, "report.xml", "junit"),
        (None, "report.md", "markdown"),
    ],
)
def test_choice(name: str | None, output: str | None, chosen: str) -> None:
    renderer = formats.choose(name, Path(output) if output else None)
    assert renderer is collect("reports", "RENDERER")[chosen]


@pytest.mark.parametrize(
    ("name", "output"), [("yaml", None), ("base", None), ("escape", None), (None, "report.docx")]
)
def test_unknown_formats_are_refused_with_the_known_ones(
    name: str | None, output: str | None
) -> None:
    with pytest.raises(UsageError, match="json"):
        formats.choose(name, Path(output) if output else None)


@pytest.mark.parametrize(
    ("name", "outputs", "planned"),
    [
        (None, [], [("text", None)]),
        ("json", [], [("json", None)]),
        ("json", ["-"], [("json", None)]),
        (None, ["a.json"], [("json", "a.json")]),
        ("text", ["a.json"], [("text", "a.json")]),
        (None, ["a.json", "b.md"], [("json", "a.json"), ("markdown", "b.md")]),
        (None, ["a.json", "-"], [("text", None), ("json", "a.json")]),
        ("github", ["a.json", "-"], [("github", None), ("json", "a.json")]),
        (
            "github",
            ["a.json", "b.md"],
            [("github", None), ("json", "a.json"), ("markdown", "b.md")],
        ),
    ],
)
def test_plan(name: str | None, outputs: list[str], planned: list[tuple[str, str | None]]) -> None:
    known = collect("reports", "RENDERER")
    found = formats.plan(name, [*map(Path, outputs)])
    shown = [(one.renderer, one.file and str(one.file)) for one in found]
    assert shown == [(known[format], file) for format, file in planned]


def test_names_are_found_without_importing_anything_heavy() -> None:
    code = (
        "import sys; from gradcheck import cli, formats; formats.names();"
        "heavy = {'numpy', 'pandas', 'rich', 'torch', 'gradcheck.model'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
