"""Logs made by formula, for behaviour that a small training cannot show on demand."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.float64]


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
