"""What real writers leave on disk is read as they were told it: every series, every point."""

from __future__ import annotations

import ast
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import gradcheck
from gradcheck.model import Role, Run, Series
from gradcheck.readers import role_names
from tests.written import truth
from tests.written.truth import Points, Truth

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NOT_SCRIPTS = {"__init__", "truth", "test_written"}
SCRIPTS = sorted(file.stem for file in HERE.glob("*.py") if file.stem not in NOT_SCRIPTS)
OFFLINE = {
    "CUDA_VISIBLE_DEVICES": "",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "TOKENIZERS_PARALLELISM": "false",
}
SHOWN = 3


def cases_of(script: str) -> list[str]:
    """The cases that a script declares, without running it."""
    tree = ast.parse((HERE / f"{script}.py").read_text(encoding="utf-8"))
    declared = (
        statement.value
        for statement in tree.body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "CASES"
    )
    return list(ast.literal_eval(next(declared)))


CASES = [
    pytest.param(script, case, id=f"{script}-{case}", marks=pytest.mark.xdist_group(script))
    for script in SCRIPTS
    for case in cases_of(script)
]


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Run a script on its first use; workers of one session share what it wrote."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def write(script: str) -> Path:
        out = shared / "written" / script
        out.parent.mkdir(exist_ok=True)
        with FileLock(f"{out}.lock"):
            if not out.exists():
                run(script, out)
        assert (out / "truth.json").is_file(), f"{script} did not finish: see its first failure"
        return out

    return write


def run(script: str, out: Path) -> None:
    command = [sys.executable, "-m", f"tests.written.{script}", str(out)]
    environment = {**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=out.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{script}: {done.stderr[-4000:]}"


@pytest.mark.parametrize(("script", "case"), CASES)
def test_every_point_is_read_as_it_was_logged(
    script: str, case: str, written: Callable[[str], Path]
) -> None:
    out = written(script)
    told = truth.load(out)[case]
    found = gradcheck.load(out / case)
    assert len(found) == len(told), f"runs: {[str(run.path.relative_to(out)) for run in found]}"
    wrong = [
        problem
        for place, expected in told.items()
        for problem in problems(one_at(out / case / place, found), expected)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "script", [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in SCRIPTS]
)
def test_a_script_writes_the_cases_that_it_declares(
    script: str, written: Callable[[str], Path]
) -> None:
    out = written(script)
    assert sorted(truth.load(out)) == sorted(cases_of(script))


TOLD = Truth({"loss": [(0, 0.0), (1, math.nan), (2, 0.5)], "lr": [(0, 0.1)]}, "keras")
READ: dict[str, list[tuple[int, float]]] = {name: [*pts] for name, pts in TOLD.series.items()}


def as_run(series: Mapping[str, Points], framework: str = "keras") -> Run:
    columns = {name: list(zip(*points, strict=True)) for name, points in series.items()}
    return Run(
        Path("run"),
        "csv",
        tuple(
            Series(name, np.arange(len(step)), np.array(step), np.array(value))
            for name, (step, value) in columns.items()
        ),
        framework,
    )


def test_what_was_read_as_it_was_told_is_no_problem() -> None:
    assert list(problems(as_run(READ), TOLD)) == []


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (READ | {"loss": READ["loss"][:2]}, "loss: point 2 of 3"),
        (READ | {"loss": [*READ["loss"], (3, 0.5)]}, "loss: point 3 of 3"),
        (READ | {"loss": [(0, 0.0), (1, 1.0), (2, 0.5)]}, "loss: point 1 of 3"),
        (READ | {"loss": [(0, 0.0), (1, math.nan), (3, 0.5)]}, "loss: point 2 of 3"),
        (READ | {"loss": [(0, 0.0), (2, 0.5), (1, math.nan)]}, "loss: point 1 of 3"),
        (READ | {"loss": [(0, -0.0), (1, math.nan), (2, 0.5)]}, "loss: point 0 of 3"),
        (READ | {"loss": [(0, 0.0), (1, math.nan), (2, 0.5 + 1e-15)]}, "loss: point 2 of 3"),
        (READ | {"more": [(0, 1.0)]}, "more: was never logged"),
        ({"loss": READ["loss"]}, "lr: missing"),
    ],
)
def test_what_was_not_read_as_it_was_told_is_a_problem(
    series: Mapping[str, Points], said: str
) -> None:
    (problem,) = problems(as_run(series), TOLD)
    assert problem.startswith(said)


def test_the_wrong_framework_is_a_problem() -> None:
    assert list(problems(as_run(READ, "fastai"), TOLD)) == ["framework: fastai"]


def one_at(place: Path, runs: list[Run]) -> Run:
    """The only run at a place or below it."""
    (run,) = (run for run in runs if place in (run.path, *run.path.parents))
    return run


def problems(run: Run, expected: Truth) -> Iterator[str]:
    """Where a run differs from what was logged."""
    if expected.framework is not None and run.framework != expected.framework:
        yield f"framework: {run.framework}"
    read = {series.name: series for series in run.series}
    missing = [name for name in expected.series if name not in read]
    yield from (f"{name}: missing" for name in missing if not printed_once(name, run, expected))
    if expected.whole:
        yield from (f"{name}: was never logged" for name in read if name not in expected.series)
    for name, points in expected.series.items():
        if name in read:
            difference = first_difference(points, read[name], expected)
            if difference:
                yield f"{name}: {difference}"


def printed_once(name: str, run: Run, expected: Truth) -> bool:
    """Whether a console log told a number but once, which makes no series unless it is a loss."""
    once = run.format == "text" and len(expected.series[name]) == 1
    return once and role_names.meaning(name).role is Role.OTHER


def first_difference(points: Points, series: Series, expected: Truth) -> str:
    """Where the points of a series differ from those that were logged; "" if nowhere."""
    # Text compares NaN with NaN, and -0.0 apart from 0.0.
    want = [(str(step), repr(expected.kept(value))) for step, value in points]
    got = [(str(s), repr(float(v))) for s, v in zip(series.step, series.value, strict=True)]
    if not expected.steps:
        want, got = [("", value) for _, value in want], [("", value) for _, value in got]
    if expected.repeats:
        want, got = [key for key, _ in groupby(want)], [key for key, _ in groupby(got)]
    if not (series.order[1:] >= series.order[:-1]).all():
        return "not in order"
    if want == got:
        return ""
    pairs = enumerate(zip(want, got, strict=False))
    at = next((i for i, (w, g) in pairs if w != g), min(len(want), len(got)))
    return f"point {at} of {len(want)}: {want[at : at + SHOWN]}, read {got[at : at + SHOWN]}"
