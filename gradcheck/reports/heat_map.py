"""Gradient norms layer by layer over the steps, as a grid of cells to colour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.model import FloatArray, Role, Run, Series

LEAST_LAYERS, MOST_LAYERS = 2, 160
MOST_COLUMNS = 240
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True)
class HeatMap:
    """The largest norm of each layer in each stretch of steps; NaN is a norm that was NaN."""

    layers: tuple[str, ...]
    left_out: int
    """How many layers of the log found no room."""
    first_step: int
    last_step: int
    norms: FloatArray
    """Layers by columns, the columns sharing the steps evenly; -inf where none was logged."""


def heat_map(run: Run, most_cells: int) -> HeatMap | None:
    """The map of a run's layers in the order of the log, None where it logs fewer than two."""
    logged = [series for series in run.every(Role.LAYER_GRAD_NORM) if len(series)]
    if len(logged) < LEAST_LAYERS:
        return None
    shown = _in_depth(logged)[:MOST_LAYERS]
    first = min(int(series.step.min()) for series in shown)
    last = max(int(series.step.max()) for series in shown)
    room = max(most_cells // len(shown), 1)
    columns = min(MOST_COLUMNS, room, last - first + 1, max(map(len, shown)))
    norms = np.stack([_row(series, first, last, columns) for series in shown])
    return HeatMap(
        _told_apart([series.name for series in shown]), len(logged) - len(shown), first, last, norms
    )


def _in_depth(layers: list[Series]) -> list[Series]:
    """In the order of the log, which follows the model, or by number if only that differs."""
    if len({_NUMBER.sub("0", series.name) for series in layers}) > 1:
        return layers
    # By length first: digits from a stranger may be too many for an int.
    return sorted(layers, key=lambda s: [(len(n), n) for n in _NUMBER.findall(s.name)])


def _told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """The names, without their folder if they share one, such as `grad_norm/`."""
    folders = {name.rpartition("/")[0] for name in names}
    return tuple(name.rpartition("/")[2] for name in names) if len(folders) == 1 else tuple(names)


def _row(series: Series, first: int, last: int, columns: int) -> FloatArray:
    share = (series.step.astype(np.float64) - first) / (float(last) - first + 1)
    column = np.minimum((share * columns).astype(np.int64), columns - 1)
    row = np.full(columns, -np.inf)
    # NaN outlasts every number in a maximum, which is what a reader looks for.
    with np.errstate(invalid="ignore"):
        np.maximum.at(row, column, series.value)
    return row
