"""Trains a recipe's variants, each beside its repaired twin, and checks that the truth holds."""

# mypy: allow-untyped-calls
from __future__ import annotations

import traceback
from dataclasses import dataclass

import numpy as np
import torch

from tests.faults.draw import Draw
from tests.faults.lab import Lab
from tests.faults.recipe import Recipe, Row
from tests.faults.record import Column, Record, columns_of

Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]
ATTEMPTS = 12
"""Draws tried until the fault shows; a rate three times too high often does no harm."""
PLAIN_LOSS, PLAIN_NORM = 3.0, 10.0
"""Over the twin's largest so far: from here on everybody sees it."""


class Unconvincing(Exception):
    """A variant that does not show its fault, or whose repair does not work; says why."""


@dataclass(frozen=True)
class Training:
    """The columns of one training and how it ended."""

    lab: Lab
    step: np.ndarray[tuple[int], np.dtype[np.int64]]
    columns: dict[str, Column]
    logged: dict[str, Mask]
    error: str | None

    @property
    def loss(self) -> Column:
        """The loss, or the sum of the named ones."""
        if "loss" in self.columns:
            return self.columns["loss"]
        parts = [c for name, c in self.columns.items() if name.startswith("losses/")]
        total: Column = np.sum(parts, axis=0)
        return total

    @property
    def norm(self) -> Column:
        return self.columns.get("grad_norm", np.zeros(len(self.step)))


def build(recipe: Recipe, variant: int) -> Record:
    """Train one variant, redrawing until the fault shows and the repair holds.

    Raises:
        Unconvincing: no draw did.
    """
    reasons = []
    for attempt in range(ATTEMPTS):
        try:
            return _attempt(recipe, variant, attempt)
        except Unconvincing as reason:  # noqa: PERF203
            reasons.append(str(reason))
    raise Unconvincing(f"{recipe.name} {variant}: {'; '.join(reasons)}")


def _attempt(recipe: Recipe, variant: int, attempt: int) -> Record:
    key = (recipe.name, variant, attempt)
    run = training(recipe, Lab(Draw(*key)))
    if not len(run.step):
        raise Unconvincing("no rows")
    if not recipe.failing:
        _check_health(recipe, run)
        return _record(recipe, key, run, (None, None), {})
    twin = training(recipe, Lab(Draw(*key), repaired=True))
    _check_health(recipe, twin)
    odd = _odd_rows(run, twin)
    window = _window(run, odd)
    _check_fault(recipe, run, twin, window[0])
    return _record(recipe, key, run, window, odd)


def training(recipe: Recipe, lab: Lab) -> Training:
    """Run a recipe; what comes long after the failure is cut off, as people stop broken runs."""
    stop = Draw(lab.draw.integer(0, 2**31), "stop").integer(0, 80)
    rows: list[Row] = []
    error = None
    broken = 0
    try:
        for row in recipe.run(lab):
            rows.append(row)
            whole = row.loss if row.loss is not None else sum(row.losses.values())
            broken = broken + 1 if not np.isfinite(whole) else 0
            if broken > stop:
                break
    except (RuntimeError, IndexError, ValueError) as crash:
        error = traceback.format_exception_only(crash)[-1].strip()
    step, columns, logged = columns_of(rows)
    return Training(lab, step, columns, logged, error)


def _check_health(recipe: Recipe, run: Training) -> None:
    """The run is finite, and its loss ends below its start."""
    if run.error is not None:
        raise Unconvincing(f"the sound run crashes: {run.error}")
    loss = run.loss
    if recipe.failing and not np.isfinite(loss).all():
        raise Unconvincing("the repaired run is not finite")
    if not recipe.learns:
        return
    finite = loss[np.isfinite(loss)]
    tenth = max(5, len(finite) // 10)
    start, end = float(np.median(finite[:tenth])), float(np.median(finite[-tenth:]))
    # a run that learns within its first rows starts lower than its first row
    start = max(start, float(finite[0]))
    if not end < start - 0.05 * abs(start):
        raise Unconvincing(f"the sound run does not learn ({start:.3g} -> {end:.3g})")


def _odd_rows(run: Training, twin: Training) -> dict[str, Mask]:
    """Rows in which loss or norm are non-finite, or far beyond all that the twin has seen."""
    odd = {}
    for name, mine, theirs, factor in (
        ("loss", run.loss, twin.loss, PLAIN_LOSS),
        ("norm", run.norm, twin.norm, PLAIN_NORM),
    ):
        sound = np.maximum.accumulate(np.where(np.isfinite(theirs), np.abs(theirs), 0))
        rows = min(len(mine), len(sound))
        odd[name] = ~np.isfinite(mine)
        odd[name][:rows] |= np.abs(mine[:rows]) > factor * sound[:rows]
    return odd


def _window(run: Training, odd: dict[str, Mask]) -> tuple[int, int]:
    entrance = run.lab.entrance
    assert entrance is not None, "a failing recipe calls lab.enter"
    if entrance.abrupt:
        return entrance.step, entrance.step
    seen = np.flatnonzero((odd["loss"] | odd["norm"]) & (run.step >= entrance.step))
    return entrance.step, int(run.step[seen[0]]) if len(seen) else int(run.step[-1])


def _check_fault(recipe: Recipe, run: Training, twin: Training, entered: int) -> None:
    """The fault does what the recipe says it does."""
    loss, norm = run.loss, run.norm
    after = run.step >= entered
    broken = ~np.isfinite(loss) | ~np.isfinite(norm)
    validation = run.columns.get("validation")
    if validation is not None:
        broken = broken | (run.logged["validation"] & ~np.isfinite(validation))
    top = float(np.nanmax(np.abs(twin.loss)))
    shown = {
        "nonfinite": bool(broken[after].any()) and not bool(broken[~after].any()),
        "diverges": bool(broken[-1])
        or (
            float(np.median(loss[-5:])) > max(2.0 * float(np.median(twin.loss[-20:])), 0.0)
            and float(np.abs(loss).max()) > 1.5 * top
        )
        or float(np.median(loss[-5:])) > 3.0 * top,
        "spikes": bool(broken[after].any())
        or float(np.nanmax(np.abs(loss[after]))) > 3.0 * top
        or float(np.nanmax(norm[after])) > 10.0 * float(np.nanmax(twin.norm)),
        "stalls": bool(np.isfinite(loss).all())
        and float(np.median(loss[-20:]))
        > 0.5 * float(np.median(loss[:5])) + 0.5 * float(np.median(twin.loss[-20:])),
        "crashes": run.error is not None,
    }
    if recipe.shows != "crashes" and run.error is not None:
        raise Unconvincing(f"crashes: {run.error}")
    if not shown[str(recipe.shows)]:
        raise Unconvincing(f"the fault does not show ({recipe.shows})")


def _record(
    recipe: Recipe,
    key: tuple[str, int, int],
    run: Training,
    window: tuple[int | None, int | None],
    odd: dict[str, Mask],
) -> Record:
    entrance = run.lab.entrance
    return Record(
        recipe=recipe.name,
        variant=key[1],
        attempt=key[2],
        family=recipe.family,
        cause=recipe.cause,
        earliest=window[0],
        latest=window[1],
        samples=entrance.samples if entrance and recipe.failing else (),
        settings=run.lab.settings,
        error=run.error,
        step=run.step,
        columns=run.columns,
        logged=run.logged,
        odd=odd,
    )


def quiet_torch() -> None:
    """One thread a process: the runs share the machine."""
    torch.set_num_threads(1)
