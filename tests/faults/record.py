"""One training as columns, with its truth: what the presentations are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.faults.recipe import Row

Column = npt.NDArray[np.float64]
PLAIN = ("loss", "grad_norm", "clipped_grad_norm", "rate", "scale", "epoch", "validation")
NAMED = ("losses", "layers", "extra")
GROUPS = ("columns", "logged", "odd")


@dataclass(frozen=True)
class Record:
    """Every step of a training; a NaN cell that was not logged is told from a NaN by `logged`."""

    recipe: str
    variant: int
    family: str
    cause: str | None
    earliest: int | None
    """The step at which the fault enters; None for a healthy run."""
    latest: int | None
    """The step at which trouble is plain to see; the same as `earliest` for an abrupt fault."""
    samples: tuple[int, ...]
    settings: Mapping[str, object]
    error: str | None
    """The traceback's last line, where the script crashed."""
    step: npt.NDArray[np.int64]
    columns: Mapping[str, Column]
    """By name: "loss", "layers/head.weight", ...; as long as `step`."""
    logged: Mapping[str, npt.NDArray[np.bool_]]
    odd: Mapping[str, npt.NDArray[np.bool_]]
    """Rows in which "loss" and "norm" are plainly not those of the repaired twin."""
    attempt: int = 0
    """Which draw it is: with recipe and variant, the key under which it can be trained again."""

    def save(self, path: Path) -> None:
        about = {k: v for k, v in vars(self).items() if k not in ("step", *GROUPS)}
        arrays: dict[str, Any] = {"step": self.step, "about": json.dumps(about)}
        for group in GROUPS:
            arrays |= {f"{group}:{k}": v for k, v in getattr(self, group).items()}
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez_compressed(partial, **arrays)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Record:
        with np.load(path) as stored:
            about = json.loads(str(stored["about"]))
            about["samples"] = tuple(about["samples"])
            arrays: dict[str, Any] = {group: _group(stored, group) for group in GROUPS}
            return cls(**about, step=stored["step"], **arrays)


def _group(stored: Any, group: str) -> dict[str, Any]:
    start = f"{group}:"
    return {k.removeprefix(start): stored[k] for k in stored.files if k.startswith(start)}


def columns_of(
    rows: Iterable[Row],
) -> tuple[npt.NDArray[np.int64], dict[str, Column], dict[str, npt.NDArray[np.bool_]]]:
    """Steps, columns, and which cells of each were logged at all."""
    cells: dict[str, dict[int, float]] = {}
    steps: list[int] = []
    for at, row in enumerate(rows):
        steps.append(row.step)
        data = asdict(row)
        for name in PLAIN:
            if data[name] is not None:
                cells.setdefault(name, {})[at] = data[name]
        for group in NAMED:
            for name, value in data[group].items():
                cells.setdefault(f"{group}/{name}", {})[at] = float(value)
    columns, logged = {}, {}
    for name, values in cells.items():
        column = np.full(len(steps), np.nan)
        known = np.zeros(len(steps), dtype=bool)
        at_rows = list(values)
        column[at_rows] = list(values.values())
        known[at_rows] = True
        columns[name], logged[name] = column, known
    return np.array(steps, dtype=np.int64), columns, logged
