"""Shrinks a series to a line of a table row: the path of a small SVG picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradcheck.model import FloatArray, Series
from gradcheck.reports.plot_outline import telling_rows
from gradcheck.reports.terminal_plot import axis_of

WIDTH, HEIGHT = 120, 24
EDGE = 3
"""Free space around the line, for its own width and for the mark of a non-finite end."""
BUCKETS = 8


@dataclass(frozen=True)
class Sparkline:
    """What to draw in a picture of WIDTH by HEIGHT."""

    path: str
    """The d attribute of an SVG path; it breaks where values are not finite."""
    lost_at: float | None
    """Where, from the left, the first non-finite value is."""


def sparkline(series: Series | None) -> Sparkline | None:
    """The picture of a series; None where it has nothing finite."""
    if series is None or not np.isfinite(series.value).any():
        return None
    rows = telling_rows(series.value, BUCKETS)
    value = series.value[rows]
    across = EDGE + rows.astype(np.float64) * ((WIDTH - 2 * EDGE) / max(len(series) - 1, 1))
    lost = np.flatnonzero(~np.isfinite(value))
    first_lost = round(float(across[lost[0]]), 1) if len(lost) else None
    return Sparkline(_path(across, value), first_lost)


def _path(across: FloatArray, value: FloatArray) -> str:
    finite = np.isfinite(value)
    heights = axis_of(value[finite]).heights(value[finite])
    down = np.full(len(value), np.nan)
    down[finite] = HEIGHT - EDGE - heights * (HEIGHT - 2 * EDGE)
    parts, drawing = [], False
    for x, y in zip(across, down, strict=True):
        if np.isfinite(y):
            parts.append(f"{'L' if drawing else 'M'}{x:.1f} {y:.1f}")
        drawing = bool(np.isfinite(y))
    return "".join(parts)
