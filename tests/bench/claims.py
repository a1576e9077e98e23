"""Holds what was measured against what gradcheck claims."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tests.bench import suite
from tests.bench.measuring import Result

Results = Mapping[tuple[str, str], Result]
"""By the names of the group and of the job."""


class Claim(NamedTuple):
    """A bound, and what was measured; NaN if it was not."""

    text: str
    measured: float
    target: float
    at_least: bool = False

    @property
    def outcome(self) -> str:
        """In two words."""
        if math.isnan(self.measured):
            return "not measured"
        held = self.measured >= self.target if self.at_least else self.measured <= self.target
        return "held" if held else "not held"


def claims(results: Results) -> Iterator[Claim]:
    """Every claim, in CPU seconds unless it says otherwise."""

    def ratio(group: str, one: str, other: str) -> float:
        return _cpu(results, group, one) / _cpu(results, group, other)

    own, startup = suite.OWN, "startup"
    for name in "ad":
        text = f"{name}: times less CPU than EventAccumulator"
        yield Claim(text, ratio(name, suite.ACCUMULATOR, own), 40, at_least=True)
    for name in "abd":
        text = f"{name}: CPU of reading, against tensorboard-data-server"
        yield Claim(text, ratio(name, own, suite.SERVER), 0.5)
    yield Claim("c: CPU of reading, against reading the bytes", ratio("c", own, suite.BYTES), 1.3)
    text = "a: CPU of analyze, against its reader alone"
    yield Claim(text, ratio("tools", suite.ANALYZE, own), 3)
    for name in "abd":
        text = f"{name}: memory of no file, against 60 MB and 4 x 24 bytes a point"
        yield Claim(text, _memory(results.get((name, own))), 1)
    text = "CPU of --help, against importing typer and rich"
    yield Claim(text, ratio(startup, suite.HELP, suite.IMPORTS), 2)
    bare = _cpu(results, startup, suite.PASS)
    for job in (suite.SMALL_EVENTS, suite.SMALL_CSV):
        text = f"{job}: CPU s over the bare interpreter"
        yield Claim(text, _cpu(results, startup, job) - bare, 0.5)


def _cpu(results: Results, group: str, job: str) -> float:
    found = results.get((group, job))
    return found.cpu if found else math.nan


def _memory(found: Result | None) -> float:
    if found is None or found.points is None:
        return math.nan
    return found.anonymous / (60 + 4 * 24 * found.points / 1e6)
