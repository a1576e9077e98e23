"""Whether a run has more or larger spikes than good runs, by the tail of their rises.

A rise is how far a row lies above the median of the rows before it. The largest rises of the good
runs are taken as an exponential tail (in logarithms: a power law; Pickands 1975, Annals of
Statistics 3, 119-131), whose mean is known only from as many rises; integrating it out with its
scale-free prior leaves a closed form for what the next run exceeds with a given probability. One
lonely spike is also held against the tail of both runs without it, which is known better: Fisher's
test of the largest of exponential variables (1929, Proceedings of the Royal Society A 125, 54-59).

A power law is the worst that healthy norms do, and few rows make its limit high. So a norm that
rises to `PLAIN` times its level, far beyond all other rises of both runs, is a spike all the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gradcheck.comparison.alignment import Aligned, Track
from gradcheck.comparison.bands import FALSE_ALARM
from gradcheck.comparison.quantiles import cluster_rate
from gradcheck.measure.robust import log_positive
from gradcheck.model import FloatArray, Role

BEFORE = 11
"""Rows before one that its level is measured from."""
APART = 5
"""Rows between two spikes that are not one."""
TAIL_SHARE, LEAST_TAIL = 0.05, 10
PLAIN, BEYOND = 15.0, 1.5
"""A rise that is plain to see, and over the largest other one, in logarithms. Chosen on 27 small
trainings: of healthy pairs 1.4 % met both, 0.4 % without two trainings in which sound runs have
rare spikes of thirty times the level, which one good run does not show."""
LOSS_ALARM = FALSE_ALARM / 5
"""The same of the spikes of a loss: its own noise has the longer tail, and what does harm moves the
gradient as well."""
COUNTS = {1: 0.6, 2: 0.15, 3: 0.15, 5: 0.1}
"""How many spikes are held against a limit of their own, few large ones or more smaller ones, with
their shares of the false alarms."""


@dataclass(frozen=True)
class Rise:
    """The spikes that are farthest out: the smallest of the `count` largest, and its limit."""

    count: int
    height: float
    usual: float
    """The rise of the same rank in the good runs."""
    limit: float
    step: int
    """Of the largest one."""

    @property
    def excess(self) -> float:
        """The height over its limit."""
        return self.height / self.limit if self.limit > 0 else 0.0


def farthest(aligned: Aligned, *, logarithmic: bool, least: float) -> Rise | None:
    """The rise that is farthest out; None where there are too few rows to say.

    `least` is a rise that no limit is below, in the domain of the levels.
    """
    mine = _rises(aligned.run, logarithmic)
    theirs = [_rises(track, logarithmic) for track in aligned.good]
    if len(mine) < LEAST_TAIL or sum(map(len, theirs)) <= LEAST_TAIL:
        return None
    peaks = _peaks(mine)
    good = [rises[_peaks(rises)] for rises in theirs]
    alarms = FALSE_ALARM if aligned.role is Role.GRAD_NORM else LOSS_ALARM
    found = []
    for count, share in COUNTS.items():
        if count > len(peaks):
            break
        rate = cluster_rate(count, alarms * share / (2 if count == 1 else 1))
        limit = _limit(np.concatenate(theirs), len(mine), rate)
        if count == 1:
            limit = min(limit, _lonely_limit(np.concatenate([*theirs, mine]), rate))
            if logarithmic and aligned.role is Role.GRAD_NORM:
                others = [*(float(g[0]) for g in good if len(g)), *mine[peaks[1:2]].tolist()]
                limit = min(limit, max(math.log(PLAIN), BEYOND * max(others)))
        usual = max((float(g[count - 1]) for g in good if len(g) >= count), default=0.0)
        step = int(aligned.run.step[BEFORE + peaks[0]])
        height = float(mine[peaks[count - 1]])
        found.append(Rise(count, height, usual, max(limit, least), step))
    return max(found, key=lambda rise: rise.excess)


def _rises(track: Track, logarithmic: bool) -> FloatArray:
    """How far each row lies above the median of those before it; the first rows have none."""
    values = log_positive(track.value) if logarithmic else track.value
    if len(values) <= BEFORE:
        return np.zeros(0)
    views = np.lib.stride_tricks.sliding_window_view(values[:-1], BEFORE)
    rises: FloatArray = values[BEFORE:] - np.median(views, axis=1)
    return rises


def _peaks(rises: FloatArray) -> Sequence[int]:
    """Rows of the largest rises, the largest first, no two within reach of one another."""
    chosen: list[int] = []
    for row in np.argsort(-rises, kind="stable").tolist():
        if all(abs(row - other) > APART for other in chosen):
            chosen.append(row)
        if len(chosen) == max(COUNTS):
            break
    return chosen


def _limit(rises: FloatArray, rows: int, rate: float) -> float:
    """The rise that as many rows exceed `rate` times on average, given the good runs' rises.

    With k rises of mean excess b over the threshold u, a next one exceeds u + x with probability
    (1 + x / kb)^-k.
    """
    threshold, excesses = _tail(rises)
    tail = len(excesses)
    expected = tail / len(rises) * rows
    return threshold + float(excesses.sum()) * (math.pow(expected / rate, 1 / tail) - 1)


def _lonely_limit(rises: FloatArray, rate: float) -> float:
    """The largest rise of all that is within the tail of the others.

    The largest of k exponential variables is more than x, with the sum s of the others, with
    probability k (1 + x / s)^-(k-1).
    """
    threshold, excesses = _tail(rises)
    tail = len(excesses)
    rest = float(excesses[1:].sum())
    return threshold + rest * (math.pow(tail / rate, 1 / (tail - 1)) - 1)


def _tail(rises: FloatArray) -> tuple[float, FloatArray]:
    """A threshold, and what the largest rises exceed it by, in falling order."""
    ordered = np.sort(rises)[::-1]
    tail = min(max(LEAST_TAIL, round(TAIL_SHARE * len(ordered))), len(ordered) // 2)
    threshold = float(ordered[tail])
    return threshold, ordered[:tail] - threshold
