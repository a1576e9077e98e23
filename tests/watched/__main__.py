"""Watch every script and recipe, and compare what is found with the truth: make evaluate-watch."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.evaluation import readme
from tests.faults.recipe import all_recipes
from tests.faults.record import Record
from tests.watched.truth import SCRIPTS, Outcome, Truth, compare, of_script

ROOT = Path(__file__).parents[2]
RECORDS = ROOT / ".faults" / "records"
LONGEST = 300
MORE_STEPS = 1
"""Steps that a recipe which crashes may take beyond those that it could log."""

TRAINS_BEFORE = ("_silently(", "tried = ")
"""Recipes whose script holds an earlier run, or trials, that are no part of what they log."""

CHECKS = ("found", "family", "cause", "step", "phase", "line", "samples")
REPLAYS = ("replayed", "exact", "prevented", "first")

Job = tuple[Truth, list[str]]


def watch(
    command: Sequence[str], cwd: Path | None = None, options: Sequence[str] = ()
) -> tuple[dict[str, Any] | None, str]:
    """The report on one script as JSON, and what stood on stderr."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        full = [
            sys.executable,
            "-m",
            "gradcheck",
            "watch",
            "--record",
            f"{folder}/record",
            *options,
        ]
        done = subprocess.run(
            [*full, "--output", str(output), *command],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd or ROOT,
            timeout=LONGEST,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        report = json.loads(output.read_text("utf-8")) if output.is_file() else None
    return report, done.stderr


def jobs_of_scripts(names: Sequence[str]) -> list[Job]:
    """Every script of `scripts/`, or those whose name holds one of `names`."""
    found = sorted(SCRIPTS.glob("*.py"))
    return [
        (of_script(script), [str(script)])
        for script in found
        if not names or any(name in script.name for name in names)
    ]


def jobs_of_recipes(names: Sequence[str], variants: Sequence[int]) -> list[Job]:
    """The recipes of the fault suite, as far as their runs were built and show their fault.

    A fault that costs a run a little of its final loss, and no plot shows, is none to be caught.
    """
    jobs, shown = [], _shown()
    for name, recipe in all_recipes().items():
        if any(mark in inspect.getsource(recipe.run) for mark in TRAINS_BEFORE):
            continue
        for variant in variants:
            files = sorted(RECORDS.glob(f"{name}-{variant}.*.npz"), key=_age)
            hidden = (name, variant) not in shown
            if files and not hidden and (not names or any(part in name for part in names)):
                jobs.append(_job_of_record(Record.load(files[-1])))
    return jobs


def _shown() -> set[tuple[str, int]]:
    """Recipe and variant of every run whose log of loss and gradient norm shows what is wrong."""
    index = json.loads((ROOT / ".faults" / "index.json").read_text("utf-8"))
    return {
        (one["recipe"], one["variant"])
        for one in index
        if one["level"] == "norm" and one["visible"]
    }


def _age(file: Path) -> float:
    return file.stat().st_mtime


def _job_of_record(record: Record) -> Job:
    steps = len(record.step) + (MORE_STEPS if record.error else 0)
    begin = int(record.step[0])  # watch counts from 0 wherever a run was resumed
    truth = Truth(
        f"{record.recipe} {record.variant}",
        record.family,
        (record.cause,) if record.cause else (),
        None if record.earliest is None else record.earliest - begin,
        None if record.latest is None else record.latest - begin,
        samples=tuple(sorted(set(record.samples))) or None,
    )
    key = [record.recipe, str(record.variant), str(record.attempt), str(steps)]
    return truth, ["-m", "tests.watched.recipe_script", *key]


def run(job: Job, options: Sequence[str] = ()) -> Outcome:
    """Watch one script and compare."""
    truth, command = job
    begun = time.monotonic()
    try:
        report, err = watch(command, options=options)
    except subprocess.TimeoutExpired:
        report, err = None, "timeout"
    seconds = time.monotonic() - begun
    if report is None or not report["runs"]:
        last = err.strip().splitlines()[-1:] or [""]
        healthy = truth.family == "healthy"
        nothing = None if healthy else False
        return Outcome(truth, False, healthy, nothing, nothing, None, None, None, last[0], seconds)
    return compare(truth, report["runs"][0], seconds)


def table(outcomes: Iterable[Outcome]) -> str:
    """Shares of what was right, of failing and healthy scripts."""
    outcomes = list(outcomes)
    failing = [one for one in outcomes if one.truth.family != "healthy"]
    healthy = [one for one in outcomes if one.truth.family == "healthy"]
    lines = ["| | right | of |", "| --- | --- | --- |"]
    for name in (*CHECKS, *REPLAYS):
        values = [getattr(one, name) for one in failing if getattr(one, name) is not None]
        if values:
            lines.append(f"| {name} | {sum(values) / len(values):.3f} | {len(values)} |")
    if healthy:
        clean = sum(bool(one.family) for one in healthy)
        lines.append(f"| healthy without failure | {clean / len(healthy):.3f} | {len(healthy)} |")
        calm = sum(bool(one.cause) for one in healthy)
        lines.append(f"| healthy without a cause | {calm / len(healthy):.3f} | {len(healthy)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=("scripts", "recipes"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("--variants", type=int, nargs="*", default=[0])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="write the table into the README")
    parser.add_argument("--replay", default="auto", help="as for gradcheck watch")
    options = parser.parse_args()
    jobs = (
        jobs_of_scripts(options.names)
        if options.kind == "scripts"
        else jobs_of_recipes(options.names, options.variants)
    )
    outcomes = []
    with ThreadPoolExecutor(options.workers) as pool:
        for one in pool.map(lambda job: run(job, [f"--replay={options.replay}"]), jobs):
            outcomes.append(one)
            wrong = [name for name in (*CHECKS, *REPLAYS) if getattr(one, name) is False]
            fine = one.truth.family == "healthy" and one.family and one.cause
            mark = "ok  " if fine or not wrong else "    "
            truth = one.truth
            expected = f"{truth.family} {'/'.join(truth.causes)} @{truth.first}-{truth.last}"
            detail = f"{expected} {truth.phase or ''} :{truth.line} {truth.samples or ''}"
            print(f"{mark}{truth.name}: {', '.join(wrong) if not fine else ''}", flush=True)
            if wrong and not fine:
                print(f"        truth {detail}\n        said  {one.said}", flush=True)
    print(table(outcomes))
    if options.keep:
        readme.put(f"watch {options.kind}", table(outcomes))


if __name__ == "__main__":
    main()
