"""The command line in a real process: exit codes, streams, and one clear line for bad input."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gradcheck

ROWS = 400


def gradcheck_(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "COLUMNS")}
    return subprocess.run(
        [sys.executable, "-m", "gradcheck", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**clean, "PYTHONIOENCODING": "utf-8", **environment},
        check=False,
    )


def write_run(path: Path, broken_from: int = ROWS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["step,train/loss,grad_norm"]
    for step in range(ROWS):
        wiggle = 0.03 * math.sin(step * 12.9898) + 0.02 * math.sin(step * 78.233)
        loss, norm = 0.4 + 1.9 * math.exp(-step / 60) + wiggle, 1.2 + 5 * wiggle
        lines.append(f"{step},nan,nan" if step >= broken_from else f"{step},{loss},{norm}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(name="failing")
def _failing(tmp_path: Path) -> Path:
    return write_run(tmp_path / "failing" / "metrics.csv", broken_from=312)


@pytest.fixture(name="fine")
def _fine(tmp_path: Path) -> Path:
    return write_run(tmp_path / "fine" / "metrics.csv")


def one_line(text: str) -> bool:
    return text.startswith("gradcheck: ") and text.count("\n") == 1


def test_version() -> None:
    assert gradcheck_("--version").stdout == f"gradcheck {gradcheck.__version__}\n"


def test_no_arguments_show_the_help() -> None:
    shown = gradcheck_()
    assert "analyze" in shown.stdout + shown.stderr


@pytest.mark.parametrize("command", ["analyze", "inspect", "explain"])
def test_every_command_has_help(command: str) -> None:
    assert gradcheck_(command, "--help").returncode == 0


def test_a_failing_run(failing: Path) -> None:
    ran = gradcheck_("analyze", failing)
    assert ran.returncode == 1, ran.stderr
    assert ran.stdout.startswith("failed  NaN loss from step 312 on")
    assert "\x1b" not in ran.stdout
    assert ran.stderr == ""


def test_a_healthy_run_is_one_quiet_line(fine: Path) -> None:
    ran = gradcheck_("analyze", fine, COLUMNS="120")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("healthy  ")
    assert ran.stdout.count("\n") == 1 or len(str(fine)) > 80


def test_never_does_not_fail_the_build(failing: Path) -> None:
    assert gradcheck_("analyze", failing, "--fail-on", "never").returncode == 0


def test_a_missing_path_does_not_stop_the_others(failing: Path, fine: Path) -> None:
    ran = gradcheck_("analyze", fine, fine.parent / "gone")
    assert ran.returncode == 2
    assert "healthy" in ran.stdout
    assert one_line(ran.stderr)
    assert gradcheck_("analyze", failing, fine.parent / "gone").returncode == 1


def test_nothing_to_judge(tmp_path: Path) -> None:
    ran = gradcheck_("analyze", tmp_path)
    assert ran.returncode == 3
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all")
def test_a_path_that_may_not_be_read(failing: Path) -> None:
    failing.chmod(0)
    ran = gradcheck_("analyze", failing)
    assert ran.returncode == 2
    assert one_line(ran.stderr)


@pytest.mark.parametrize(
    "arguments",
    [("--format", "yaml"), ("--output", "report.docx"), ("--output", "gone/report.json")],
)
def test_wrong_usage_is_one_line(fine: Path, arguments: tuple[str, ...]) -> None:
    ran = gradcheck_("analyze", fine, *arguments)
    assert ran.returncode == 2
    assert one_line(ran.stderr)


def test_a_wrong_choice_is_wrong_usage(fine: Path) -> None:
    assert gradcheck_("analyze", fine, "--fail-on", "rain").returncode == 2


def test_json_on_stdout(failing: Path) -> None:
    ran = gradcheck_("analyze", failing, "--format", "json")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["runs"][0]["first_bad_step"] == 312


def test_output_takes_the_format_from_its_suffix(failing: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    ran = gradcheck_("analyze", failing, "--output", output)
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert json.loads(output.read_text())["schema_version"] == 1


def test_an_ascii_terminal_gets_ascii(failing: Path) -> None:
    assert gradcheck_("analyze", failing, PYTHONIOENCODING="ascii").stdout.isascii()


def test_inspect(failing: Path) -> None:
    ran = gradcheck_("inspect", failing)
    assert ran.returncode == 0, ran.stderr
    assert "train/loss *" in ran.stdout
    found = json.loads(gradcheck_("inspect", failing, "--format", "json").stdout)
    assert found["runs"][0]["roles"]["grad_norm"] == "grad_norm"


def test_inspect_of_nothing(tmp_path: Path) -> None:
    ran = gradcheck_("inspect", tmp_path)
    assert ran.returncode == 3
    assert one_line(ran.stderr)


def test_explain() -> None:
    listed = gradcheck_("explain")
    assert listed.returncode == 0, listed.stderr
    assert "learning_rate_too_high" in listed.stdout
    assert gradcheck_("explain", "learning_rate_too_high").returncode == 0


def test_explain_of_an_unknown_cause() -> None:
    ran = gradcheck_("explain", "learning_rate_to_high")
    assert ran.returncode == 2
    assert one_line(ran.stderr)
    assert "learning_rate_too_high" in ran.stderr
