"""The GitHub Action, our workflow and the pre-commit hook: their steps run as CI would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_cli import write_run

PROJECT = Path(__file__).parents[1]
ACTION = PROJECT / ".github" / "actions" / "gradcheck" / "action.yml"
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
HOOKS = PROJECT / ".pre-commit-hooks.yaml"

pytestmark = pytest.mark.skipif(
    shutil.which("bash") is None or not ACTION.exists(), reason="no bash, or no checkout"
)


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = load(ACTION)["runs"]["steps"]
    return found


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


@pytest.fixture(name="place")
def _place(tmp_path: Path) -> Path:
    """A working directory, and a `gradcheck` on the path as an installation would have put it."""
    (tmp_path / "bin").mkdir()
    for name, arguments in (("gradcheck", '-m gradcheck "$@"'), ("python", '"$@"')):
        tool = tmp_path / "bin" / name
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}\n')
        tool.chmod(0o755)
    write_run(tmp_path / "work" / "broken" / "metrics.csv", broken_from=312)
    write_run(tmp_path / "work" / "fine run" / "metrics.csv")
    return tmp_path


def diagnose(place: Path, **inputs: str) -> tuple[int, dict[str, str], str]:
    """Run the step as the runner does: exit code, outputs of the step, what it printed."""
    step = next(step for step in steps() if step.get("id") == "analyze")
    declared = load(ACTION)["inputs"]
    environment = {}
    for name, template in step["env"].items():
        wanted = template.removeprefix("${{ inputs.").removesuffix(" }}")
        default = str(declared[wanted].get("default", ""))
        environment[name] = inputs.get(wanted.replace("-", "_"), default)
    output, summary = place / "output", place / "summary"
    output.write_text("")
    ran = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=place / "work",
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            **environment,
            "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "RUNNER_TEMP": str(place),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
        },
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return ran.returncode, outputs, ran.stdout + ran.stderr


def test_a_failing_run(place: Path) -> None:
    code, outputs, printed = diagnose(
        place, paths="  broken\n\n  fine run  \n", output="r.sarif\n r.xml"
    )
    assert code == 1, printed
    assert outputs == {"exit-code": "1", "verdict": "inconclusive"}
    assert "::error file=broken/metrics.csv,line=314,title=gradcheck" in printed
    assert "gradcheck: 1 failed, 1 healthy, of 2 runs" in printed
    assert (place / "summary").read_text(encoding="utf-8").startswith("### gradcheck: 1 failed")
    assert (place / "work" / "r.sarif").exists() and (place / "work" / "r.xml").exists()


def test_a_healthy_run(place: Path) -> None:
    code, outputs, printed = diagnose(place, paths="fine run", fail_on="warning")
    assert (code, outputs) == (0, {"exit-code": "0", "verdict": "healthy"}), printed


def test_the_severity_is_passed_on(place: Path) -> None:
    assert diagnose(place, paths="broken", fail_on="never")[0] == 0
    assert diagnose(place, paths="broken", fail_on="rain")[:2] == (
        2,
        {"exit-code": "2", "verdict": ""},
    )


def test_nothing_to_judge_fails(place: Path) -> None:
    (place / "work" / "empty").mkdir()
    assert diagnose(place, paths="empty")[:2] == (3, {"exit-code": "3", "verdict": ""})


HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "x\n;touch pwned",
    "--fail-on=never",
    "${{ github.token }}",
    "a && touch pwned",
]


@pytest.mark.parametrize(
    ("name", "hostile"),
    [*(("paths", one) for one in HOSTILE), ("fail_on", "".join(HOSTILE)), ("output", HOSTILE[0])],
)
def test_no_input_reaches_the_shell(place: Path, name: str, hostile: str) -> None:
    assert diagnose(place, **{"paths": "broken", name: hostile})[0] == 2
    assert not (place / "work" / "pwned").exists()
    assert not (place / "pwned").exists()


def test_no_script_holds_an_expression() -> None:
    files = [ACTION, *WORKFLOWS]
    jobs = [job for file in WORKFLOWS for job in load(file)["jobs"].values()]
    scripts = [step["run"] for step in steps() if "run" in step]
    scripts += [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert files and scripts
    assert not [script for script in scripts if "${{" in script]


def test_the_action_declares_what_it_uses() -> None:
    action = load(ACTION)
    used = set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text(encoding="utf-8")))
    assert used == set(action["inputs"])
    assert {str(step.get("id")) for step in steps()} >= {"analyze"}
    assert all(step.get("shell") == "bash" for step in steps() if "run" in step)


def test_the_requirements_leave_torch_out(tmp_path: Path) -> None:
    step = next(step for step in steps() if step.get("name") == "Install gradcheck")
    program = re.search(r"<<'EOF'[^\n]*\n(.*?)\nEOF", step["run"], re.DOTALL)
    assert program is not None
    ran = subprocess.run(
        [sys.executable, "-c", program[1]], capture_output=True, text=True, check=True
    )
    names = {re.split(r"[^\w.-]", line)[0] for line in ran.stdout.splitlines()}
    assert {"numpy", "typer", "rich"} <= names
    assert not {"torch", "pytest", "fsspec"} & names
    assert "pip install" in step["run"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_our_workflow_uses_what_there_is(workflow: Path) -> None:
    inputs = load(ACTION)["inputs"]
    used = 0
    for job in load(workflow)["jobs"].values():
        for step in job["steps"]:
            if step.get("uses") == "./.github/actions/gradcheck":
                used += 1
                assert set(step["with"]) <= set(inputs)
                for path in step["with"]["paths"].split():
                    assert (PROJECT / path).is_dir()
    assert used or workflow.name != "gradcheck.yml"


def test_our_workflow_ends_as_it_says(place: Path) -> None:
    """The two jobs on the sample logs, and the check of the second."""
    jobs = load(PROJECT / ".github" / "workflows" / "gradcheck.yml")["jobs"]
    shutil.copytree(PROJECT / "sample_logs", place / "work" / "sample_logs")
    passing = jobs["passes"]["steps"][1]["with"]
    assert diagnose(place, **passing)[1] == {"exit-code": "0", "verdict": "healthy"}
    failing = next(step for step in jobs["fails"]["steps"] if step.get("id") == "gradcheck")
    inputs = {name.replace("-", "_"): value for name, value in failing["with"].items()}
    code, outputs, printed = diagnose(place, **inputs)
    assert code == 1, printed
    check = jobs["fails"]["steps"][-1]
    environment = {"CODE": outputs["exit-code"], "VERDICT": outputs["verdict"]}
    ran = subprocess.run(
        ["bash", "-e", "-c", check["run"]],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
    )
    assert ran.returncode == 0, (outputs, ran.stdout)


def test_the_hook_is_a_hook() -> None:
    clientlib = pytest.importorskip("pre_commit.clientlib")
    (hook,) = clientlib.load_manifest(str(HOOKS))
    assert hook["id"] == "gradcheck"
    wanted = ["a/events.out.tfevents.1.host", "logs/metrics.csv", "x/trainer_state.json"]
    assert all(re.search(hook["files"], name) for name in wanted)
    assert not any(re.search(hook["files"], name) for name in ["train.py", "data/table.csv"])
