"""What gradcheck does without: torch for any log, pandas and tensorboard for a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.samples import LOGS

PROGRAM = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is blocked in this test")

sys.meta_path.insert(0, Refusing())
{body}
"""
ANALYZE = """
from gradcheck.cli import main
sys.argv = ["gradcheck", "analyze", {path!r}, "--format", "json", "--fail-on", "never"]
main()
"""
EVENTS = sorted(LOGS.glob("*/*/*tfevents*"))
TABLES = sorted(LOGS.glob("*/*/*.csv"))


def python(blocked: list[str], body: str) -> subprocess.CompletedProcess[str]:
    """Run a program in which some packages cannot be imported."""
    program = PROGRAM.format(blocked=blocked, body=body)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )


def analyze(path: Path, *blocked: str) -> subprocess.CompletedProcess[str]:
    return python(list(blocked), ANALYZE.format(path=str(path)))


@pytest.mark.parametrize("blocked", ["torch", "pandas", "tensorboard"])
def test_the_block_blocks(blocked: str) -> None:
    ran = python([blocked], f"import {blocked}")
    assert ran.returncode == 1
    assert f"{blocked} is blocked in this test" in ran.stderr
    assert python([blocked], "import json").returncode == 0


@pytest.mark.parametrize("log", [EVENTS[0], TABLES[0]], ids=["tensorboard", "csv"])
def test_analyze_without_torch(log: Path) -> None:
    ran = analyze(log, "torch", "torchvision")
    assert ran.returncode == 0, ran.stderr
    assert '"verdict"' in ran.stdout


def test_a_table_without_pandas_and_tensorboard() -> None:
    ran = analyze(TABLES[0], "torch", "pandas", "tensorboard")
    assert ran.returncode == 0, ran.stderr
    assert '"verdict"' in ran.stdout


@pytest.mark.parametrize(
    "body",
    [
        "import gradcheck\nassert gradcheck.__version__",
        "from gradcheck.cli import main\nsys.argv = ['gradcheck', '--help']\nmain()",
        "from gradcheck.cli import main\nsys.argv = ['gradcheck', '--version']\nmain()",
    ],
    ids=["import", "help", "version"],
)
def test_no_numpy_until_a_log_is_read(body: str) -> None:
    ran = python(["numpy", "pandas", "torch", "tensorboard", "matplotlib"], body)
    assert ran.returncode == 0, ran.stderr
