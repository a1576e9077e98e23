"""Counts how often the gate fails, by script and by what was done to the run."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck import judging
from gradcheck.configuration.settings import Settings
from gradcheck.errors import UsageError
from gradcheck.gate import FINDINGS, FailOn, exit_code
from gradcheck.model import FloatArray
from tests.evaluation.baseline.plan import Trial
from tests.evaluation.baseline.runs import Wanted, place


@dataclass(frozen=True)
class Outcome:
    """A trial, whether the gate failed, and what for."""

    trial: Trial
    failed: bool
    code: int
    why: tuple[str, ...]


def judge(trial: Trial) -> Outcome:
    """Run the gate on a trial, from the files, as `analyze --baseline` does."""
    settings = Settings(baselines=tuple(str(place(good)) for good in trial.good))
    try:
        report = judging.judge([place(trial.run)], settings)
    except UsageError as error:
        return Outcome(trial, failed=False, code=error.exit_code, why=(str(error),))
    code = exit_code(report, FailOn.FAILURE)
    run = report.runs[0]
    why = [one.check.value for one in run.regressions]
    why += [event.kind.value for event in run.events if event.severity.value == "failure"]
    return Outcome(trial, code == FINDINGS, code, tuple(dict.fromkeys(why)))


def has_effect(faulty: Sequence[Wanted], healthy: Sequence[Wanted]) -> bool:
    """Whether a fault does something in a script, told without the gate and from all its seeds.

    End of the loss, mean of the loss, median norm (as logarithms) or largest rise of the norm: in
    one of them every faulty run is worse than every healthy seed, and the median faulty run is
    farther from the median healthy one than the healthy seeds are from one another.
    """
    sound = np.array([_summary(run) for run in healthy])
    broken = np.array([_summary(run) for run in faulty])
    apart = np.median(broken, axis=0) - np.median(sound, axis=0)
    beyond = (broken.min(axis=0) > sound.max(axis=0)) & (apart > np.ptp(sound, axis=0))
    return bool(beyond.any())


@functools.cache
def _summary(run: Wanted) -> tuple[float, float, float, float]:
    table = np.loadtxt(place(run), delimiter=",", skiprows=1, ndmin=2)
    if not np.isfinite(table).all() or len(table) <= 11:
        return (math.inf,) * 4
    loss, norm = np.log(np.maximum(table[:, 1], 1e-12)), np.log(np.maximum(table[:, 2], 1e-12))
    tenth = max(len(loss) // 10, 3)
    return (
        float(np.median(loss[-tenth:])),
        float(loss.mean()),
        float(np.median(norm)),
        _largest_rise(norm),
    )


def _largest_rise(norm: FloatArray) -> float:
    """Over the median of the eleven rows before."""
    rises = [value - np.median(norm[at : at + 11]) for at, value in enumerate(norm[11:])]
    return float(max(rises))


def share(outcomes: Iterable[Outcome]) -> tuple[int, int]:
    """How many failed, of how many."""
    failed = [outcome.failed for outcome in outcomes]
    return sum(failed), len(failed)


def upper_bound(failed: int, trials: int, doubt: float = 0.05) -> float:
    """The largest true rate that would give so few failures with a probability of `doubt`."""
    low, high = failed / trials, 1.0
    for _ in range(60):
        rate = (low + high) / 2
        terms = (
            math.comb(trials, k) * rate**k * (1 - rate) ** (trials - k) for k in range(failed + 1)
        )
        low, high = (rate, high) if sum(terms) > doubt else (low, rate)
    return high
