"""Logs made by formula, for behaviour that a small training cannot show on demand."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gradcheck import diagnosis, weighing
from gradcheck.case import Case, Clue
from gradcheck.model import Event, Run, RunReport, Series
from gradcheck.readers import roles

Column = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Columns = Mapping[str, Column | tuple[Rows, Column]]
"""Values by the name of their series: one for every row, or those of some rows."""


def decay(
    rows: int, seed: int = 0, start: float = 2.5, end: float = 0.5, noise: float = 0.04
) -> Column:
    """A healthy loss: exponential decay with noise that is proportional to it."""
    rng = np.random.default_rng(seed)
    course = end + (start - end) * np.exp(-4 * np.arange(rows) / rows)
    return course * np.exp(noise * rng.standard_normal(rows))


def norms(rows: int, seed: int = 1, usual: float = 0.8, noise: float = 0.2) -> Column:
    """Healthy gradient norms: log-normal around a level."""
    rng = np.random.default_rng(seed)
    return usual * np.exp(noise * rng.standard_normal(rows))


def write_csv(
    path: Path, columns: Mapping[str, Column], steps: npt.NDArray[np.int64] | None = None
) -> Path:
    """Write columns beside a `step` column, NaN and infinities as text."""
    rows = len(next(iter(columns.values())))
    steps = np.arange(rows) if steps is None else steps
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *columns])
        for row in range(rows):
            writer.writerow([int(steps[row]), *(repr(float(c[row])) for c in columns.values())])
    return path


def write_events(
    directory: Path, columns: Mapping[str, Column], steps: npt.NDArray[np.int64] | None = None
) -> Path:
    """Write the same columns as a TensorBoard event file."""
    from torch.utils.tensorboard import SummaryWriter

    rows = len(next(iter(columns.values())))
    steps = np.arange(rows) if steps is None else steps
    writer = SummaryWriter(str(directory))
    for row in range(rows):
        for name, values in columns.items():
            writer.add_scalar(name, float(values[row]), int(steps[row]))
    writer.close()
    return directory


def constant(rows: int, value: float = 1e-3) -> Column:
    """The same value in every row, such as a learning rate."""
    return np.full(rows, value)


def warm_up(rows: int, peak: float = 1e-3, ramp: int = 20) -> Column:
    """A learning rate that rises along a straight line and then stays."""
    return peak * np.minimum(1.0, (np.arange(rows) + 1) / ramp)


def steady(rows: int, seed: int = 2, usual: float = 1.0, noise: float = 0.04) -> Column:
    """A loss that has stopped falling: noise around a level."""
    return norms(rows, seed, usual, noise)


def geometric(ratio: float, rows: int) -> Column:
    """1, then `ratio` times more in every row."""
    return np.geomspace(1.0, ratio ** (rows - 1), rows)


def grow(values: Column, at: int, factor: float, rows: int | None = None) -> Column:
    """Multiply by `factor` once more in every row from `at` on, for `rows` rows or to the end."""
    grown = values.copy()
    end = len(values) if rows is None else at + rows
    with np.errstate(over="ignore"):
        grown[at:end] *= factor ** np.arange(1.0, end - at + 1)
    return grown


def put(values: Column, rows: int | slice | list[int], value: float) -> Column:
    """A copy that has `value` in some rows."""
    changed = values.copy()
    changed[rows] = value
    return changed


def scale(values: Column, rows: int | slice | list[int], factor: float | Column) -> Column:
    """A copy whose values in some rows are multiplied."""
    changed = values.copy()
    changed[rows] *= factor
    return changed


def run_of(
    columns: Columns,
    steps: Rows | None = None,
    *,
    framework: str | None = None,
    unit: str = "step",
    resumed_at: tuple[int, ...] = (),
) -> Run:
    """A run in memory, with the roles that its names deserve; a row is one order for all series."""
    series = []
    for name, column in columns.items():
        rows, values = (
            column if isinstance(column, tuple) else (np.arange(len(column)), np.asarray(column))
        )
        step = rows if steps is None else steps[rows]
        series.append(Series(name, rows.astype(np.int64), step.astype(np.int64), values))
    run = Run(
        Path("run"), "csv", tuple(series), framework=framework, unit=unit, resumed_at=resumed_at
    )
    return roles.assign(run, {})


def case_of(run: Run | Columns) -> Case:
    """What clues are shown of a run: the run with its events."""
    run = run if isinstance(run, Run) else run_of(run)
    return Case(run, tuple(diagnosis.detect(run)))


def clues_of(run: Run | Columns) -> dict[str, Clue]:
    """Every clue seen in a run, by key."""
    return {clue.key: clue for clue in weighing.clues_of(case_of(run))}


def diagnosed(run: Run | Columns) -> RunReport:
    """The whole diagnosis of a run."""
    return diagnosis.diagnose(run if isinstance(run, Run) else run_of(run))


def told(events: list[Event] | tuple[Event, ...]) -> list[tuple[str, str, int | None, bool]]:
    """Events in short: kind, severity, first step and whether the run recovered."""
    return [(e.kind.value, e.severity.value, e.step, e.recovered) for e in events]


def first_cause(report: RunReport) -> str | None:
    """The most probable cause, None where none is told."""
    return report.diagnoses[0].cause if report.diagnoses else None
