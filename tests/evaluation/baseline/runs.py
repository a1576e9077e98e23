"""Trains the scripts' runs once and keeps their logs in `.baselines/`."""

from __future__ import annotations

import ast
import functools
import hashlib
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.evaluation.baseline import scripts, training

KEPT = Path(__file__).parents[3] / ".baselines"

Wanted = tuple[str, str | None, int]
"""Script, fault, seed."""


@functools.cache
def folder() -> Path:
    """Where the runs of these scripts are: other scripts, another folder."""
    sources = (Path(m.__file__ or "").read_text(encoding="utf-8") for m in (scripts, training))
    # as a tree: a comment or a line break makes no other run
    trees = "".join(ast.dump(ast.parse(source)) for source in sources)
    return KEPT / hashlib.sha256(trees.encode()).hexdigest()[:12]


def place(wanted: Wanted) -> Path:
    """The log of one run."""
    script, fault, seed = wanted
    return folder() / script / (fault or "healthy") / str(seed) / "metrics.csv"


def ensure(wanted: Iterable[Wanted]) -> None:
    """Train what is not there yet, on every core."""
    lacking = [one for one in dict.fromkeys(wanted) if not place(one).exists()]
    if not lacking:
        return
    with ProcessPoolExecutor(os.cpu_count(), initializer=_one_thread) as pool:
        for done, _ in enumerate(pool.map(_train, lacking, chunksize=4), start=1):
            if done % 50 == 0:
                print(f"{done} of {len(lacking)} runs trained", flush=True)


def write(rows: Iterable[training.Row], path: Path) -> Path:
    """Write the log as a script would: a line for each logged step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    lines = [f"{step},{loss:.8g},{norm:.8g}\n" for step, loss, norm in rows]
    partial.write_text("step,loss,grad_norm\n" + "".join(lines))
    partial.replace(path)
    return path


def _train(wanted: Wanted) -> None:
    script, fault, seed = wanted
    write(training.train(scripts.named(script), seed, fault), place(wanted))


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
