"""Learned single numbers, such as a temperature, and whether one has left its range."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradcheck.model import FloatArray, Role, Run, Series
from gradcheck.model.inside import LEARNED

NAMED = re.compile(r"\blogit scale\b|\btemperature\b|\b(temp|tau|logitscale)$")
"""What scripts call it where they log it themselves."""
DENSITY = re.compile(
    r"sigma|log_?var|(^|_)(var|variance|std|dev|bias|shift|offset|loc|mean|mu)s?(_|\d|$)"
)
"""Numbers whose range is another one, and has its own evidence."""
HOT, COLD = 150.0, 1e-3
"""Beyond CLIP's clamp at 100, or next to nothing."""
FAR = 8.0
"""Times its first value, or a part of it, that no learning needs."""
MOST_LOGARITHM = 6.0
"""First value above which a number is no logarithm of a temperature."""
ROWS = 5
"""Rows of which the one furthest away counts: a failure throws it back."""


def temperatures(run: Run) -> Iterator[tuple[str, Series]]:
    """The series of such numbers, each with its own name: the modules that hold it say nothing."""
    for series in run.every(Role.OTHER):
        own = re.split(r"[./]", series.name.lower())[-1]
        spoken = re.sub(r"[^a-z0-9]+", " ", series.name.lower()).strip()
        known = series.name.startswith(LEARNED) or NAMED.search(spoken)
        if known and not DENSITY.search(own):
            yield own, series


@dataclass(frozen=True)
class Departure:
    """A number that has left its range."""

    first: float
    last: float
    past_zero: bool = False
    ratio: float | None = None
    """Of the exponentials, where it is a logarithm."""


def runaway(name: str, values: FloatArray, *, raw: bool) -> Departure | None:
    """How a number of this name left its range by its last values, if it did.

    `raw`: it is the parameter itself, which is a logarithm where its name says so; a script may
    log either.
    """
    first = float(values[0])
    last = float(max(values[-ROWS:], key=lambda value: abs(value - first)))
    if first > 0 and not name.startswith("log_"):
        if last < 0 and "log" not in name:  # a schedule may end at 0
            return Departure(first, last, past_zero=True)
        if last > 0 and _is_out(last) and _is_far(last / first):
            return Departure(first, last)
    is_logarithm = (raw and "log" in name) or bool((values <= 0).any())
    if not is_logarithm or abs(first) > MOST_LOGARITHM:
        return None
    with np.errstate(over="ignore"):
        plain, ratio = float(np.exp(last)), float(np.exp(last - first))
    if _is_out(plain) and _is_far(ratio):
        return Departure(first, last, ratio=ratio)
    return None


def away_since(name: str, series: Series) -> int | None:
    """The first step from which the number is out of its range in every row, if it is at the end.

    Looked for by halving, as a number that stays away has gone there once.
    """
    values, raw = series.value, series.name.startswith(LEARNED)
    sound = len(values) >= ROWS and bool(np.isfinite(values).all())
    if not sound or not runaway(name, values, raw=raw):
        return None
    low, high = 1, len(values)
    while low < high:
        middle = (low + high) // 2
        gone = runaway(name, values[:middle], raw=raw)
        low, high = (low, middle) if gone else (middle + 1, high)
    return int(series.step[low - 1])


def _is_out(value: float) -> bool:
    return value > HOT or value < COLD


def _is_far(ratio: float) -> bool:
    return ratio > FAR or ratio < 1.0 / FAR
