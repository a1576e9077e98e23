"""Makes a run of MLflow's metrics: points in the order of their clocks, with steps for all."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gradcheck.model import FloatArray, IntArray, Run, Series

_NAMED = 3
_ENDED_BADLY = {"FAILED": "as failed", "KILLED": "as killed", "RUNNING": "as still running"}
_STATUS_NUMBERS = {"1": "RUNNING", "4": "FAILED", "5": "KILLED"}


@dataclass
class Points:
    """The points of one metric, in the order in which they were stored."""

    clock: array[int] = field(default_factory=lambda: array("q"))
    """Milliseconds since 1970."""
    value: array[float] = field(default_factory=lambda: array("d"))
    step: array[int] = field(default_factory=lambda: array("q"))

    def add(self, clock: int, value: float, step: int) -> None:
        """Append a point.

        Raises:
            OverflowError: a number has more than 64 bits; nothing is appended.
        """
        self.step.append(step)
        try:
            self.clock.append(clock)
        except OverflowError:
            self.step.pop()
            raise
        self.value.append(value)


@dataclass(frozen=True, eq=False)
class _Metric:
    name: str
    clock: IntArray
    value: FloatArray
    step: IntArray


def run_of(
    path: Path, metrics: Mapping[str, Points], params: Mapping[str, str], notes: Sequence[str]
) -> Run:
    """The run that has these metrics, roles not yet assigned."""
    columns = [_metric(name, points) for name, points in metrics.items() if points.value]
    stepped, counted = _with_steps(columns)
    series = tuple(
        Series(metric.name, order, metric.step, metric.value, metric.clock / 1000)
        for metric, order in zip(stepped, _orders(stepped), strict=True)
    )
    return Run(path, "mlflow", series, hparams=dict(params), notes=(*notes, *counted))


def about(name: str | None, status: str | None) -> Iterator[str]:
    """What MLflow says of a run as a whole: its name, and how it ended unless it did so well.

    The status is a word in a database and a number in a file store.
    """
    if name:
        yield f"MLflow calls this run {name!r}"
    ended = _ENDED_BADLY.get(_STATUS_NUMBERS.get(status or "", status or ""))
    if ended:
        yield f"MLflow has this run {ended}"


def _metric(name: str, points: Points) -> _Metric:
    return _Metric(
        name,
        np.array(points.clock, dtype=np.int64),
        np.array(points.value, dtype=np.float64),
        np.array(points.step, dtype=np.int64),
    )


def _with_steps(metrics: Sequence[_Metric]) -> tuple[list[_Metric], tuple[str, ...]]:
    """Give steps to the metrics that were logged without: those of another at the same time."""
    stepless = [m for m in metrics if len(m.step) > 1 and not m.step.any()]
    if not stepless:
        return list(metrics), ()
    names = ", ".join(metric.name for metric in stepless[:_NAMED])
    names += ", …" * (len(stepless) > _NAMED)
    stepped = [m for m in metrics if len(m.step) > 1 and m.step.any()]
    guide = max(stepped or stepless, key=lambda metric: len(metric.step))
    if stepped:
        note = f"logged without a step: {names}; placed by time among the steps of {guide.name}"
    else:
        step: IntArray = np.arange(len(guide.step))
        guide = _Metric(guide.name, guide.clock, guide.value, step)
        note = f"logged without a step: {names}; the points of {guide.name} are counted, from 0"
    moved = {metric.name: _placed(metric, guide) for metric in stepless}
    return [moved.get(metric.name, metric) for metric in metrics], (note,)


def _placed(metric: _Metric, guide: _Metric) -> _Metric:
    if len(metric.step) == len(guide.step):
        step = guide.step
    else:
        reached = np.searchsorted(np.maximum.accumulate(guide.clock), metric.clock, side="right")
        step = guide.step[np.maximum(reached - 1, 0)]
    return _Metric(metric.name, metric.clock, metric.value, step)


def _orders(metrics: Sequence[_Metric]) -> list[IntArray]:
    """Number the points of all metrics by time; those of one metric keep their order.

    Where clocks are equal, as those of a batch are, the lower step comes first.
    """
    clock = np.concatenate([np.maximum.accumulate(metric.clock) for metric in metrics])
    step = np.concatenate([np.maximum.accumulate(metric.step) for metric in metrics])
    rank = np.empty(len(clock), dtype=np.int64)
    rank[np.lexsort((step, clock))] = np.arange(len(clock))
    return np.split(rank, np.cumsum([len(metric.clock) for metric in metrics])[:-1])
