"""Runs made of a curve and noise, for comparisons whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gradcheck.model import FloatArray, Role, Run, Series

ROWS = 400


def curves(seed: int, rows: int = ROWS) -> dict[Role, FloatArray]:
    """A loss that falls and a norm that stands, both under noise."""
    rng = np.random.default_rng(seed)
    place = np.linspace(0, 1, rows)
    loss = (0.4 + 1.9 * np.exp(-8 * place)) * np.exp(rng.normal(0, 0.08, rows))
    return {Role.LOSS: loss, Role.GRAD_NORM: 1.2 * np.exp(rng.normal(0, 0.25, rows))}


def run(
    columns: dict[Role, FloatArray], *, path: str = "runs/new", every: int = 1, first: int = 0
) -> Run:
    """A run that logs a point of each column every few steps."""
    made = []
    for role, values in columns.items():
        rows = np.arange(len(values))
        made.append(Series(role.value, rows, first + rows * every, values, role=role))
    primary = {series.role: series.name for series in made}
    return Run(Path(path), "csv", tuple(made), primary=primary)


def good(*seeds: int, rows: int = ROWS) -> list[Run]:
    """Known good runs."""
    return [run(curves(seed, rows), path=f"runs/good{seed}") for seed in seeds]


def write(made: Run, folder: Path) -> Path:
    """The run as a CSV log."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {Role.LOSS: "train/loss", Role.GRAD_NORM: "grad_norm"}
    lines = [",".join(["step", *(names.get(s.role, s.name) for s in made.series)])]
    columns = [series.value.tolist() for series in made.series]
    for at, step in enumerate(made.series[0].step.tolist()):
        lines.append(",".join([str(step), *(repr(column[at]) for column in columns)]))
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
    return folder
