"""Reads texts as logs, for the tests of the text reader."""

from __future__ import annotations

import math
from pathlib import Path

from gradcheck.model import Run
from gradcheck.readers import roles, text_lines, text_run
from gradcheck.readers.text_rows import rows_of


def run_of(text: str | bytes) -> Run:
    """The run that a text tells of, its roles assigned."""
    data = text.encode() if isinstance(text, str) else text
    kinds, messages = rows_of(text_lines.lines([data]))
    return roles.assign(text_run.run_of(kinds, messages, Path("train.log")), {})


def points(run: Run, name: str) -> list[tuple[int, int, float | str]]:
    """The points of a series."""
    (series,) = [one for one in run.series if one.name == name]
    columns = series.order.tolist(), series.step.tolist(), series.value.tolist()
    return [(line, step, _comparable(value)) for line, step, value in zip(*columns, strict=True)]


def _comparable(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)
