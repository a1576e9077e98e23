"""What a script logged: told by the script, kept beside the logs, held against what was read."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True)
class Truth:
    """The series of one run, and what its log keeps of them."""

    series: Mapping[str, Points]
    framework: str | None = None
    """Who wrote the log; None where the log does not tell."""
    keeps: str = "float64"
    """How values are kept: "float64", "float32", or a format such as ".6g"."""
    steps: bool = True
    """Whether the log tells the steps; else only the order of the values counts."""
    repeats: bool = False
    """Whether the log shows a value again until the next one comes, as progress bars do."""
    whole: bool = True
    """Whether the log holds nothing else."""

    def kept(self, value: float) -> float:
        """A value as the log keeps it."""
        if self.keeps == "float64":
            return float(value)
        if self.keeps == "float32":
            return float(np.float32(value))
        return float(format(value, self.keeps))


@dataclass
class Record:
    """Collects what is handed to a writer."""

    series: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    rows: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)

    def add(self, step: int, values: Mapping[str, Any]) -> None:
        """Keep the numbers among the values that were logged at a step."""
        self.rows.append((step, dict(values)))
        for name, value in values.items():
            if not isinstance(value, str | dict):
                self.series.setdefault(name, []).append((int(step), float(value)))

    def without(self, *names: str) -> dict[str, list[tuple[int, float]]]:
        """All series but these."""
        return {name: points for name, points in self.series.items() if name not in names}


Truths = dict[str, dict[str, Truth]]
"""The runs of each case: by the name of its directory, then by the path of the run within it."""


def save(truths: Truths, out: Path) -> None:
    """Write the truths of a script beside its cases."""
    text = json.dumps(truths, default=dataclasses.asdict)
    (out / "truth.json").write_text(text, encoding="utf-8")


def load(out: Path) -> Truths:
    """The truths that a script wrote."""
    cases = json.loads((out / "truth.json").read_text(encoding="utf-8"))
    return {
        case: {run: Truth(**truth) for run, truth in runs.items()} for case, runs in cases.items()
    }


def main(write: Callable[[Path], Truths]) -> None:
    """Run a script: its only argument is the directory to write to."""
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    save(write(out), out)
