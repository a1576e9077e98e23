"""Tables: the dialects that writers and spreadsheets know, and the sample tables."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from random import Random

from gradcheck.readers.table_steps import is_step_name
from tests.fuzz.seeds import Point, Seed, of_lines

_SAMPLES = Path(__file__).parents[2] / "sample_logs"
_LARGEST_SAMPLE = 15_000
_DIALECTS = (
    ("metrics.csv", ",", "", "\n"),
    ("log.csv", ";", "", "\r\n"),
    ("train.tsv", "\t", "", "\n"),
    ("quoted.csv", ",", '"', "\n"),
    ("spaced.csv", ", ", "", "\n"),
    ("progress.csv", " ", "", "\n"),
)
_COLUMNS = (
    ("step", "train/loss", "grad_norm", "lr"),
    ("epoch", "loss", "val_loss"),
    ("step", "loss", "phase"),
    ("iteration", "loss_a", "loss_b", "accuracy", "time"),
)


def seeds() -> Iterator[Seed]:
    """Tables of every dialect, and the smaller sample logs."""
    for number, (name, delimiter, quote, end) in enumerate(_DIALECTS):
        for columns in _COLUMNS[:: 1 if number < 2 else 2]:
            yield _seed(name, columns, delimiter, quote, end)
    for file in sorted(_SAMPLES.glob("**/*.csv")):
        if file.stat().st_size < _LARGEST_SAMPLE:
            yield _of_sample(file)


def _seed(name: str, columns: tuple[str, ...], delimiter: str, quote: str, end: str) -> Seed:
    random = Random(f"{name}{columns}")
    lines: list[tuple[str, list[Point]]] = [
        (delimiter.join(f"{quote}{column}{quote}" for column in columns), [])
    ]
    for step in range(random.randint(12, 60)):
        cells = [str(step), *(_cell(random, column) for column in columns[1:])]
        points = [
            Point(column, step, float(cell))
            for column, cell in zip(columns[1:], cells[1:], strict=True)
            if column != "phase" and cell
        ]
        # A column that tells splits apart gives its names to the series, and where the step goes
        # back, as damage can make it, the rows of validation may count something else.
        if "phase" in columns:
            points = [Point(None, None, point.value) for point in points]
        lines.append((delimiter.join(f"{quote}{cell}{quote}" for cell in cells), points))
    return of_lines(name, lines, header=True, end=end)


def _cell(random: Random, column: str) -> str:
    if column == "phase":
        return random.choice(("train", "val"))
    if random.random() < 0.03:
        return random.choice(("nan", "inf", "-inf", "NaN"))
    return repr(random.uniform(0.1, 9.0)) if random.random() < 0.8 else f"{random.random():.3e}"


def _of_sample(file: Path) -> Seed:
    header, *rows = file.read_text().splitlines()
    names = next(csv.reader([header]))
    lines: list[tuple[str, list[Point]]] = [(header, [])]
    for row in rows:
        cells = dict(zip(names, next(csv.reader([row])), strict=True))
        points = [
            Point(name, None, float(cell))
            for name, cell in cells.items()
            if cell and not is_step_name(name)
        ]
        lines.append((row, points))
    return of_lines(file.name, lines, header=True)
