"""The shape of the code: who may import whom, and how long a module may be."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "gradcheck"
MODULES = sorted(PACKAGE.rglob("*.py"))
PLUG_INS = {"readers", "detectors", "clues", "causes", "reports"}
TOP = {"diagnosis", "judging", "cli"}
ALLOWED: dict[str, set[str]] = {
    "model": {"model"},
    "wording": set(),
    "errors": set(),
    "measure": {"model", "measure"},
    "case": {"model", "measure"},
    "configuration": {"model", "measure", "gate", "errors", "weight_table", "configuration"},
    "detectors": {"model", "measure", "detectors"},
    "clues": {"model", "measure", "case", "wording", "clues"},
    "causes": {"model", "measure", "case", "wording", "causes"},
}
"""What each part may import of ours; every other part is held by the rules alone."""
MOST_LINES = 300


def part(module: str) -> str:
    """The folder or top-level module of a dotted name: gradcheck.causes.base -> causes."""
    return module.split(".")[1] if "." in module else ""


def name_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str) -> Iterable[str]:
    """Every module of ours that a source imports, also inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module == "gradcheck":
                yield from (f"gradcheck.{alias.name}" for alias in node.names)
            elif node.module.startswith("gradcheck."):
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.startswith("gradcheck"))


def relative_imports(source: str) -> bool:
    return any(isinstance(n, ast.ImportFrom) and n.level for n in ast.walk(ast.parse(source)))


def violations(module: str, source: str) -> list[str]:
    """What a module imports and must not."""
    mine = part(module)
    wrong = ["a relative import hides where it leads"] if relative_imports(source) else []
    for name in imported(source):
        theirs = part(name)
        if mine in ALLOWED and theirs not in ALLOWED[mine]:
            wrong.append(f"{module} imports {name}: {mine} may import {sorted(ALLOWED[mine])}")
        elif mine in PLUG_INS and theirs in PLUG_INS - {mine}:
            wrong.append(f"{module} imports {name}: plug-in folders never import one another")
        elif theirs in TOP and mine not in TOP | {"", "__main__", "watch"}:
            wrong.append(f"{module} imports {name}: nothing below may")
    return wrong


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_imports_run_one_way(file: Path) -> None:
    assert violations(name_of(file), file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", MODULES, ids=lambda f: f.relative_to(PACKAGE).as_posix())
def test_modules_are_short_and_say_what_they_do(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    assert source.count("\n") <= MOST_LINES
    assert ast.get_docstring(ast.parse(source)), "a module opens with one sentence: its job"


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gradcheck.model", "from gradcheck.errors import UsageError"),
        ("gradcheck.model", "def f():\n    import gradcheck.case"),
        ("gradcheck.measure.robust", "from gradcheck.case import Case"),
        ("gradcheck.case", "from gradcheck.detectors import plateau"),
        ("gradcheck.causes.dead_units", "from gradcheck.clues.rate import CLUES"),
        ("gradcheck.clues.rate", "if True:\n    from gradcheck.causes.base import Cause"),
        ("gradcheck.detectors.plateau", "from gradcheck import plugins"),
        ("gradcheck.readers.csv_table", "from gradcheck.reports.base import Canvas"),
        ("gradcheck.reports.text", "from gradcheck.causes.base import Cause"),
        ("gradcheck.reports.text", "from gradcheck.diagnosis import analyze"),
        ("gradcheck.loading", "from gradcheck import diagnosis"),
        ("gradcheck.weighing", "import gradcheck.cli"),
        ("gradcheck.case", "from . import model"),
    ],
)
def test_a_planted_violation_is_caught(module: str, source: str) -> None:
    assert violations(module, source)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gradcheck.causes.dead_units", "from gradcheck.causes.base import Cause"),
        ("gradcheck.clues.rate", "from gradcheck.case import Case\nimport numpy as np"),
        ("gradcheck.cli", "from gradcheck import diagnosis"),
        ("gradcheck", "from gradcheck.diagnosis import analyze"),
        ("gradcheck.loading", "from gradcheck.readers.base import Reader"),
    ],
)
def test_what_is_allowed_is_not_caught(module: str, source: str) -> None:
    assert violations(module, source) == []
