"""The built suite in .faults/: records, cached by the code that made them, and their logs."""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from tests.faults.build import Unconvincing, build, quiet_torch
from tests.faults.presentation import (
    LEVELS,
    presentation_of,
    series_of,
)
from tests.faults.recipe import Recipe, all_recipes
from tests.faults.record import Record
from tests.faults.visibility import is_visible
from tests.faults.writers import write

ROOT = Path(__file__).resolve().parents[2] / ".faults"
HERE = Path(__file__).resolve().parent
RIG = ("draw", "recipe", "lab", "tasks", "training", "record", "build")
LOOKS = ("presentation", "writers")
AT_ONCE = 20
GROWING = ("unclipped_gradient_spikes", "gradient_growth")
VARIANTS = 3
WORKERS = 2


@dataclass(frozen=True)
class Truth:
    """What is known of one log by construction."""

    recipe: str
    variant: int
    level: str
    path: str
    """Relative to the suite's folder."""
    family: str
    cause: str | None
    earliest: int | None
    latest: int | None
    """In the steps of the log, as `cadence` is."""
    cadence: int
    visible: bool
    """Whether the log shows the fault at all; always true of a healthy run."""


def build_suite(names: Sequence[str], variants: int = VARIANTS) -> None:
    """Train what is not cached, write the logs and the index of truths."""
    # variant by variant: a build that is cut off has some runs of every recipe
    jobs = [(name, variant) for variant in range(variants) for name in names]
    truths: list[Truth] = []
    # import torch and the recipes once, before the workers are forked
    all_recipes()
    with ProcessPoolExecutor(WORKERS, initializer=quiet_torch) as pool:
        futures = [pool.submit(_build_one, *job) for job in jobs]
        for future in track(as_completed(futures), "training", total=len(futures)):
            try:
                truths += future.result()
            except Unconvincing as reason:  # noqa: PERF203
                print(f"left out: {reason}")
    truths.sort(key=lambda truth: (truth.recipe, truth.variant, LEVELS.index(truth.level)))
    index = ROOT / "index.json"
    index.write_text(json.dumps([asdict(truth) for truth in truths], indent=0))


def truths() -> list[Truth]:
    """The logs of the built suite."""
    index = ROOT / "index.json"
    if not index.exists():
        raise SystemExit("the fault suite is not built yet: make faults")
    return [Truth(**row) for row in json.loads(index.read_text())]


def _build_one(name: str, variant: int) -> list[Truth]:
    recipe = all_recipes()[name]
    path = ROOT / "records" / f"{name}-{variant}.{_key(recipe)}.npz"
    if not path.exists():
        for old in path.parent.glob(f"{name}-{variant}.*.npz"):
            old.unlink()
        build(recipe, variant).save(path)
    return list(_logs(recipe, Record.load(path)))


def _logs(recipe: Recipe, record: Record) -> Iterator[Truth]:
    shown = presentation_of(record, recipe.console)
    made_by = f"{_key(recipe)} {_digest(LOOKS)}"
    for level in LEVELS:
        series = list(series_of(record, shown, level))
        folder = ROOT / "logs" / level / f"{record.recipe}-{record.variant}"
        stamp = folder.with_suffix(".made-by")
        if not stamp.exists() or stamp.read_text() != made_by:
            shutil.rmtree(folder, ignore_errors=True)
            write(record, shown, series, folder)
            stamp.write_text(made_by)
        yield Truth(
            recipe=record.recipe,
            variant=record.variant,
            level=level,
            path=str(folder.relative_to(ROOT)),
            family=record.family,
            cause=_log_level_cause(record),
            earliest=_shifted(record.earliest, shown.offset),
            latest=_shifted(_for_good(record), shown.offset),
            cadence=shown.cadence,
            visible=recipe.console
            or not recipe.failing
            or is_visible(shown, series, falls=recipe.learns, extras=_extras(record)),
        )


def _extras(record: Record) -> set[str]:
    """The names of what a log holds besides losses, norms and rates."""
    parts = [column.partition("/") for column in record.columns]
    return {name for group, _, name in parts if group == "extra"}


def _for_good(record: Record) -> int | None:
    """The last step that may be called the first bad one.

    A fault that builds up shows now and then before it shows in every row: any step from its
    entrance to the row from which the run stays beyond its twin is right.
    """
    if record.latest is None or record.latest == record.earliest:
        return record.latest
    odd = record.odd["loss"] | record.odd["norm"]
    sound = np.flatnonzero(~odd & (record.step >= record.latest))
    rows = np.flatnonzero(odd)
    if not len(sound):
        return record.latest
    last = int(sound[-1]) + 1 if odd[-1] else int(rows[-1]) if len(rows) else 0
    return max(record.latest, int(record.step[min(last, len(record.step) - 1)]))


def _log_level_cause(record: Record) -> str | None:
    """The cause that a log can tell.

    An explosion within the first rows leaves no level against which growth or rare spikes could be
    told from steps that are simply too long; only a look inside separates them.
    """
    late = record.latest is None or record.latest > AT_ONCE
    return record.cause if late or record.cause not in GROWING else "learning_rate_too_high"


def _shifted(step: int | None, offset: int) -> int | None:
    return None if step is None else step + offset


def _key(recipe: Recipe) -> str:
    module = HERE / "recipes" / f"{recipe.module.rpartition('.')[2]}.py"
    digest = hashlib.sha256(_digest(RIG).encode() + module.read_bytes())
    return digest.hexdigest()[:12]


@functools.cache
def _digest(modules: tuple[str, ...]) -> str:
    text = b"".join((HERE / f"{module}.py").read_bytes() for module in modules)
    return hashlib.sha256(text).hexdigest()[:12]
