"""The gate as a pipeline runs it: every exit code, every case of settings and baselines."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from gradcheck.model import FloatArray, Role
from gradcheck.reports.json import schema
from tests.comparison.made_up import curves, run, write
from tests.test_cli import one_line

Gate = Callable[..., subprocess.CompletedProcess[str]]
Ran = subprocess.CompletedProcess[str]


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Path:
    """A repository with two good runs, one of another seed, a spiky one and one that failed."""
    (tmp_path / ".git").mkdir()
    for seed in (1, 2):
        write(run(curves(seed)), tmp_path / "good" / str(seed))
    write(run(curves(3)), tmp_path / "runs" / "seed")
    spiky = curves(3)
    spiky[Role.GRAD_NORM][200] *= 30
    write(run(spiky), tmp_path / "runs" / "spiky")
    failed = curves(3)
    failed[Role.LOSS][300:], failed[Role.GRAD_NORM][300:] = np.nan, np.nan
    write(run(failed), tmp_path / "runs" / "failed")
    return tmp_path


@pytest.fixture(name="gate")
def _gate(here: Path) -> Gate:
    def call(*arguments: str, config: str | None = None, name: str = "gradcheck.toml") -> Ran:
        if config is not None:
            (here / name).write_text(config)
        root = str(Path(__file__).parents[1])
        return subprocess.run(
            [sys.executable, "-m", "gradcheck", *arguments],
            cwd=here,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={"PYTHONPATH": root, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"},
            check=False,
        )

    return call


def document(ran: Ran) -> dict[str, object]:
    found = json.loads(ran.stdout)
    jsonschema.validate(found, schema())
    (only,) = found["runs"]
    return dict(only)


@pytest.mark.parametrize("good", [["good/1"], ["good/1", "good/2"], ["good"], ["good/*"]])
def test_another_seed_passes_the_baseline(gate: Gate, good: list[str]) -> None:
    ran = gate("analyze", "runs/seed", *(f"--baseline={path}" for path in good))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("healthy  runs/seed")
    assert "Compared with good/1" in ran.stdout


def test_a_regression_fails_the_build_by_default(gate: Gate) -> None:
    ran = gate("analyze", "runs/spiky", "--baseline", "good/1")
    assert ran.returncode == 1, ran.stderr
    assert gate("analyze", "runs/spiky").returncode == 0  # a spike alone is no failure
    assert "gradient spikes" in ran.stdout
    assert "at most at step 200; in the good run to" in " ".join(ran.stdout.split())


def test_the_comparison_in_json(gate: Gate) -> None:
    ran = gate("analyze", "runs/spiky", "--baseline", "good", "--format", "json")
    assert ran.returncode == 1
    comparison = document(ran)["comparison"]
    assert isinstance(comparison, dict)
    assert comparison["baselines"] == ["good/1/metrics.csv", "good/2/metrics.csv"]
    (first, *rest) = comparison["compared"]
    assert (first["check"], first["severity"]) == ("gradient_spikes", "failure")
    assert all(one["severity"] is None for one in rest)
    again = gate("analyze", "runs/spiky", "--baseline", "good", "--format", "json")
    assert again.stdout == ran.stdout


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ('[[accept]]\nregression = "gradient_spikes"\nreason = "known"\n', 0),
        ('[[accept]]\nregression = "gradient_spikes"\nreason = "known"\nrun = "runs/spi*"\n', 0),
        ('[[accept]]\nregression = "gradient_spikes"\nreason = "known"\nrun = "runs/seed"\n', 1),
        ('[[accept]]\nregression = "loss_end"\nreason = "known"\n', 1),
        ('[[accept]]\nregression = "gradient_spikes"\nreason = "x"\nuntil = 2000-01-01\n', 1),
        ('[[accept]]\nregression = "gradient_spikes"\nreason = "x"\nuntil = 2999-01-01\n', 0),
        ('[regressions]\ngradient_spikes = "spike"\n', 0),
        ('[regressions]\ngradient_spikes = "ignore"\n', 0),
        ("[tolerances]\ngradient_spikes = 200\n", 0),
        ('fail-on = "never"\n', 0),
    ],
)
def test_settings_of_a_regression(gate: Gate, config: str, code: int) -> None:
    ran = gate("analyze", "runs/spiky", "--baseline", "good", config=config)
    assert ran.returncode == code, ran.stdout + ran.stderr


def test_the_baseline_of_the_settings_is_beside_their_file(gate: Gate, here: Path) -> None:
    (here / "gradcheck.toml").write_text('baseline = "good"\n')
    (here / "deep").mkdir()
    ran = gate("analyze", "runs/spiky", config='baseline = "../good"\n', name="deep/own.toml")
    assert ran.returncode == 1, ran.stderr
    assert gate("analyze", "runs/spiky", "--config", "deep/own.toml").returncode == 1


def test_an_accepted_finding_is_shown_with_its_reason(gate: Gate) -> None:
    config = """
[tool.gradcheck]
fail-on = "spike"
[[tool.gradcheck.accept]]
event = "gradient_spike"
reason = "the first batch of a shard"
"""
    ran = gate("analyze", "runs/spiky", config=config, name="pyproject.toml")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "the first batch of a shard" in ran.stdout
    ran = gate("analyze", "runs/spiky", "--format", "json")
    events = document(ran)["events"]
    assert isinstance(events, list)
    assert {event["accepted"]["reason"] for event in events} == {"the first batch of a shard"}
    assert gate("analyze", "runs/failed").returncode == 1


def test_the_command_line_wins(gate: Gate) -> None:
    assert gate("analyze", "runs/spiky", config='fail-on = "spike"\n').returncode == 1
    assert gate("analyze", "runs/spiky", "--fail-on", "failure").returncode == 0


def test_a_threshold_makes_a_small_spike_none(gate: Gate) -> None:
    config = 'fail-on = "spike"\n[thresholds]\ngradient_spike = {}\n'
    assert gate("analyze", "runs/spiky", config=config.format(8)).returncode == 1
    assert gate("analyze", "runs/spiky", config=config.format(500)).returncode == 0


def test_roles_of_the_settings(gate: Gate) -> None:
    ran = gate("analyze", "runs/seed", "--format", "json", config='loss = "grad_norm"\n')
    assert ran.returncode == 0, ran.stderr
    roles = document(ran)["roles"]
    assert isinstance(roles, dict)
    assert roles["loss"] == "grad_norm"
    assert gate("analyze", "runs/seed", config='loss = "gone"\n').returncode == 2


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("", "gradcheck.toml: sets nothing"),
        ("fail-on = \n", "gradcheck.toml: is not TOML: Invalid value (at line 1, column 11)"),
        ("fail_on = 'spike'\n", "did you mean fail-on?"),
        ("fail-on = 1\n", "fail-on: takes one of failure, spike, warning, never, not 1"),
        ("[causes]\noutlier_bach = 'spike'\n", "did you mean outlier_batch?"),
        ("[[accept]]\nevent = 'plateau'\n", "give a reason why plateau is accepted"),
        ("[[accept]]\nevent = 'plateau'\nreason = ' '\n", "give a reason why plateau"),
        ("[[accept]]\ncause = 'outlier'\nreason = 'x'\n", "no cause 'outlier'"),
        ("loss = '\\u001b[31m'\n'", "is not TOML"),
        ('"\\u001b[31m" = 1\n', "no key '\\x1b[31m'"),
    ],
)
def test_bad_settings_are_one_line(gate: Gate, config: str, said: str) -> None:
    ran = gate("analyze", "runs/seed", config=config)
    assert ran.returncode == 2
    assert one_line(ran.stderr), ran.stderr
    assert said in ran.stderr
    assert "\x1b" not in ran.stderr


@pytest.mark.parametrize("command", [["inspect", "--config"], ["watch", "train.py"]])
def test_every_command_refuses_bad_settings(gate: Gate, here: Path, command: list[str]) -> None:
    (here / "train.py").write_text("print('it ran')\n")
    ran = gate(*command, config="fail_on = 'spike'\n")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert one_line(ran.stderr), ran.stderr


@pytest.mark.parametrize(
    ("named", "said"),
    [("gone.toml", "no such file"), (".", "is a directory"), ("good/1/metrics.csv", "is not TOML")],
)
def test_a_config_that_cannot_be_used(gate: Gate, named: str, said: str) -> None:
    ran = gate("analyze", "runs/seed", "--config", named)
    assert ran.returncode == 2
    assert one_line(ran.stderr)
    assert said in ran.stderr


def test_a_pyproject_of_another_tool_sets_nothing(gate: Gate) -> None:
    ran = gate("analyze", "runs/seed", config="[tool.ruff]\n", name="pyproject.toml")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(
    ("good", "said"),
    [
        ("gone", "no such file or directory: gone"),
        ("runs/seed", "is the baseline itself; name another run"),
        ("runs/failed", "baseline runs/failed/metrics.csv: failed itself (nonfinite gradient)"),
        ("notes.md", "baseline notes.md: no run with a loss or gradient"),
        ("short", "cannot be compared with the baseline: fewer than 16 points"),
        ("accuracy", "baseline accuracy: no run with a loss or gradient"),
        ("validation", "no role in common"),
    ],
)
def test_a_baseline_that_cannot_be_used(gate: Gate, here: Path, good: str, said: str) -> None:
    (here / "notes.md").write_text("# Notes\n")
    short = {role: values[:10] for role, values in curves(1).items()}
    write(run(short), here / "short")
    write(run({Role.ACCURACY: np.linspace(0, 1, 100)}), here / "accuracy")
    flat: FloatArray = np.exp(-np.linspace(0, 1, 100))
    write(run({Role.VALIDATION_LOSS: flat}), here / "validation")
    ran = gate("analyze", "runs/seed", "--baseline", good)
    assert ran.returncode == 2
    assert one_line(ran.stderr), ran.stderr
    assert said in ran.stderr


def test_a_run_that_failed_needs_no_comparison(gate: Gate, here: Path) -> None:
    broken = {role: np.full(30, np.nan) for role in (Role.LOSS, Role.GRAD_NORM)}
    write(run(broken), here / "runs" / "nothing")
    assert gate("analyze", "runs/nothing", "--baseline", "good").returncode == 1
    assert gate("analyze", "runs/failed", "--baseline", "good").returncode == 1


def test_a_run_that_could_not_be_compared_does_not_pass_beside_others(
    gate: Gate, here: Path
) -> None:
    short = {role: values[:10] for role, values in curves(1).items()}
    write(run(short), here / "more" / "short")
    ran = gate("analyze", "runs/seed", "more", "--baseline", "good")
    assert ran.returncode == 2
    assert "more/short/metrics.csv: cannot be compared" in ran.stderr


def test_a_gate_that_read_nothing_does_not_pass(gate: Gate, here: Path) -> None:
    (here / "empty").mkdir()
    assert gate("analyze", "empty", "--baseline", "good").returncode == 3


def test_baselines_among_the_runs_are_told_and_not_held_against_themselves(gate: Gate) -> None:
    ran = gate("analyze", "runs/seed", "good", "--baseline", "good/1", "--format", "json")
    assert ran.returncode == 0, ran.stderr
    runs = {one["path"]: one for one in json.loads(ran.stdout)["runs"]}
    assert runs["good/1/metrics.csv"]["comparison"] is None
    assert runs["good/1/metrics.csv"]["notes"] == ["a baseline run: held against nothing"]
    assert runs["good/2/metrics.csv"]["comparison"]["baselines"] == ["good/1/metrics.csv"]


def test_settings_are_shown_with_their_origin(gate: Gate) -> None:
    config = 'fail-on = "spike"\n[causes]\noutlier_batch = "ignore"\n'
    ran = gate("inspect", "--config", "--loss", "train/loss", config=config)
    assert ran.returncode == 0, ran.stderr
    rows = [line.split() for line in ran.stdout.splitlines()]
    assert ["fail-on", "gradcheck.toml", "spike"] in rows
    assert ["causes.outlier_batch", "gradcheck.toml", "ignore"] in rows
    assert ["loss", "command", "line", "train/loss"] in rows
    assert ["baseline", "default", "not", "set"] in rows
    shown = json.loads(gate("inspect", "--config", "--format", "json").stdout)
    assert {"key": "fail-on", "value": "spike", "from": "gradcheck.toml"} in shown["settings"]
    other = gate("inspect", "--config", "other.toml", config="fail-on = 'never'", name="other.toml")
    assert ["fail-on", "other.toml", "never"] in [
        line.split() for line in other.stdout.splitlines()
    ]


def test_inspect_wants_a_path_or_config(gate: Gate) -> None:
    ran = gate("inspect")
    assert ran.returncode == 2
    assert one_line(ran.stderr)
    assert gate("inspect", "--config", "a", "b").returncode == 2


SCRIPT = """
import torch
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.01)
for step in range(40):
    x = torch.randn(8, 4)
    if step == 30:
        x[0, 0] = float("nan")
    loss = model(x).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def test_watch_goes_by_the_same_settings(gate: Gate, here: Path) -> None:
    (here / "train.py").write_text(SCRIPT)
    accept = '[[accept]]\ncause = "nonfinite_input"\nreason = "sensor dropouts"\n'
    ran = gate("watch", "train.py", config=accept)
    assert ran.returncode == 0, ran.stderr
    assert "sensor dropouts" in ran.stderr
    assert "stopped by what is accepted: the rest did not run" in ran.stderr
    ran = gate("watch", "train.py", config='[causes]\nnonfinite_input = "warning"\n')
    assert ran.returncode == 1  # a stopped script is not as good as one that ended
    assert "gradcheck.toml counts nonfinite_input as warning" in ran.stderr
