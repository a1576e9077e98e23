"""Whether the first updates threw a loss far above where it began, from where it came back."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.measure.baseline import MIN_HISTORY
from gradcheck.measure.excursions import HINDSIGHT, Excursion
from gradcheck.measure.robust import noise
from gradcheck.model import FloatArray

FIRST_UPDATES, THROWN = 3, np.log(8.0)
"""Rows after the first in which a throw may begin, and how far up in logarithms it must go."""
ASTRAY_SIGMAS, LEARNED = 6.0, 0.1
"""Its height over the noise where it lasts, and how far below the first row the run must end."""


def thrown_up(values: FloatArray) -> list[Excursion]:
    """The rows that the very first updates threw far above where the series began and goes on.

    The first rows are no measure of noise; that those after it lie where the first ones lay is.
    """
    near = values[:HINDSIGHT]
    if len(near) < HINDSIGHT or bool((near <= 0).any()):
        return []
    logs = np.log(near)
    for first in range(1, FIRST_UPDATES + 1):
        level = float(logs[:first].max())
        back = np.flatnonzero(logs[first:] <= level + THROWN / 2)
        last = first + int(back[0]) - 1 if len(back) else len(near)
        calm = logs[last + 1 :]
        if last < first or last >= MIN_HISTORY or len(calm) < MIN_HISTORY:
            continue
        peak = first + int(np.argmax(logs[first : last + 1]))
        height = float(logs[peak]) - level
        if height >= THROWN and float(calm.max()) < level + height / 2:
            usual = float(np.exp(level))
            return [Excursion(first, last, peak, True, height, usual, math.inf)]
    return _astray(values)


def _astray(values: FloatArray) -> list[Excursion]:
    """The same where it took many rows to come back: a run that learned all the same in the end.

    That it ends below its very first row tells that this one was no chance, or no empty output.
    """
    if len(values) < 3 * MIN_HISTORY or bool((values <= 0).any()):
        return []
    logs = np.log(values)
    third = len(logs) // 3
    peak = int(np.argmax(logs))
    out = np.flatnonzero(logs > logs[0] + THROWN)
    if not 0 < peak < third or not len(out) or out[0] >= MIN_HISTORY:
        return []
    first = int(out[0])
    level = float(logs[:first].max())
    least = max(THROWN, ASTRAY_SIGMAS * noise(logs[third:]))
    far = np.flatnonzero(logs > level + THROWN / 2)
    if not len(far):
        return []  # it went up in steps, none of them a throw
    last = int(far[-1])
    stays = float(logs[2 * third :].max()) < level + THROWN / 2
    learned = float(np.median(logs[-third:])) < float(logs[0]) - LEARNED
    height = float(logs[peak]) - level
    if height < least or not stays or not learned:
        return []
    return [Excursion(first, last, peak, True, height, float(np.exp(level)), math.inf)]
