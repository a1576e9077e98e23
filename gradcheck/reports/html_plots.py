"""Chooses what a browser plots of a run, and gives it as values for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck.model import Event, Role, RunReport, Series
from gradcheck.reports.heat_map import HeatMap, heat_map
from gradcheck.reports.html_text import name
from gradcheck.reports.phrases import words
from gradcheck.reports.plot_outline import outline
from gradcheck.reports.terminal_plot import axis_of

MOST_MAIN, MOST_PLOTS = 4, 24
MOST_EVENTS = 200
MOST_POINTS = 20_000
"""Of one series: enough to zoom in tenfold before the thinning shows."""
_ALWAYS = (Role.LOSS, Role.GRAD_NORM)
_ROLES = (
    *_ALWAYS,
    Role.CLIPPED_GRAD_NORM,
    Role.LOSS_SCALE,
    Role.VALIDATION_LOSS,
    Role.LEARNING_RATE,
    Role.WEIGHT_NORM,
)
_CITED = len(_ALWAYS)
_OTHERS = len(_ALWAYS) + len(_ROLES)


@dataclass(frozen=True)
class Room:
    """How much of the file one run may take."""

    points: int
    cells: int


@dataclass(frozen=True)
class Plots:
    """The series that are drawn at once, those drawn on request, and how many are neither."""

    main: tuple[Series, ...]
    more: tuple[Series, ...]
    left_out: int
    layers: HeatMap | None
    most_points: int
    """Beyond which a series is thinned."""

    @property
    def drawn(self) -> tuple[Series, ...]:
        """All series with a plot; a plot is known by its place here."""
        return self.main + self.more

    @property
    def holds_nan(self) -> bool:
        """Whether a value in the plots is NaN."""
        return any(bool(np.isnan(series.value).any()) for series in self.drawn)

    @property
    def holds_infinity(self) -> bool:
        """Whether a value in the plots is infinite."""
        return any(bool(np.isinf(series.value).any()) for series in self.drawn)

    @property
    def thinned(self) -> bool:
        """Whether a plot shows fewer points than its series has."""
        return any(len(series) > self.most_points for series in self.drawn)

    @property
    def restarts(self) -> bool:
        """Whether the steps of a plot start over."""
        return any(bool((s.step[1:] < s.step[:-1]).any()) for s in self.drawn)

    def place(self, series: str | None) -> int | None:
        """Which plot shows the series of that name."""
        places = (i for i, one in enumerate(self.drawn) if one.name == series)
        return next(places, None)


def choose(report: RunReport, room: Room) -> Plots:
    """First loss and gradient norm, then what the evidence speaks of, then by role."""
    run, layers = report.run, heat_map(report.run, room.cells)
    cited = {e.series for d in report.diagnoses for e in d.evidence}
    cited |= {event.series for event in report.events}
    logged = [series for series in run.series if len(series)]
    if layers is not None:
        logged = [s for s in logged if s.role is not Role.LAYER_GRAD_NORM or s.name in cited]
    ranked = sorted(logged, key=lambda series: _rank(report, series, cited))
    telling = sum(_rank(report, s, cited) < (_OTHERS, 0) for s in ranked)
    main = ranked[: min(max(telling, 1), MOST_MAIN)]
    more = ranked[len(main) : MOST_PLOTS]
    most = _share([len(series) for series in (*main, *more)], room.points)
    return Plots(tuple(main), tuple(more), max(len(ranked) - MOST_PLOTS, 0), layers, most)


def values(report: RunReport, plots: Plots) -> dict[str, Any]:
    """The columns of the plots, the cells of the heat map, and the events to mark."""
    return {
        "firstBad": report.first_bad_step,
        "unit": report.run.unit,
        "plots": [_plot(series, plots.most_points) for series in plots.drawn],
        "events": [_event(event, plots) for event in _gravest(report.events)],
        "layers": None if plots.layers is None else _layers(plots.layers),
    }


def _share(lengths: Sequence[int], room: int) -> int:
    """How many points a series may have: what the short ones leave goes to the long ones."""
    most = 0
    for at, length in enumerate(sorted(lengths)):
        most = room // (len(lengths) - at)
        room -= min(length, most)
    return min(most, MOST_POINTS)


def _rank(report: RunReport, series: Series, cited: set[str | None]) -> tuple[int, int]:
    primary = report.run.primary.get(series.role) == series.name
    if primary and series.role in _ALWAYS:
        return (_ALWAYS.index(series.role), 0)
    if series.name in cited:
        return (_CITED, 0)
    if primary and series.role in _ROLES:
        return (_CITED + _ROLES.index(series.role), 0)
    return (_OTHERS, int(series.role is Role.OTHER))


def _plot(series: Series, most: int) -> dict[str, Any]:
    finite = series.value[np.isfinite(series.value)]
    return {
        "log": bool(len(finite)) and axis_of(finite).log,
        "stretches": [
            {"step": part.step.tolist(), "value": [_number(v) for v in part.value.tolist()]}
            for part in outline(series, most)
        ],
    }


def _layers(layers: HeatMap) -> dict[str, Any]:
    return {
        "names": [name(layer) for layer in layers.layers],
        "first": layers.first_step,
        "last": layers.last_step,
        # Minus infinity stands for no value; no norm is negative.
        "rows": [
            [None if v == -math.inf else _number(v, 3) for v in row]
            for row in layers.norms.tolist()
        ],
    }


def _gravest(events: Sequence[Event]) -> list[Event]:
    ranked = sorted(events, key=lambda event: -event.severity.rank)[:MOST_EVENTS]
    return [event for event in ranked if event.step is not None]


def _event(event: Event, plots: Plots) -> dict[str, Any]:
    return {
        "kind": words(event.kind.value),
        "severity": event.severity.value,
        "plot": plots.place(event.series),
        "step": event.step,
        "last": event.step if event.last_step is None else event.last_step,
    }


def _number(value: float, digits: int = 6) -> float | str:
    if math.isfinite(value):
        return float(f"{value:.{digits}g}")
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
