"""Keeps judging runs that are still being written, until one fails the gate or the user ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gradcheck.gate import FINDINGS, FailOn, exit_code
from gradcheck.model import Report, RunReport
from gradcheck.reports import telling

SOONEST = 2.0
"""Seconds between two looks, at least."""
SHARE = 0.2
"""Share of the time that looking may take."""
SILENT = 60.0
"""Seconds without a new row after which a failing run is over, and no spike any more."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Clock:
    """Time, and how to let it pass."""

    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


def follow(
    look: Callable[[], Report], fail_on: FailOn, tell: Tell, clock: Clock | None = None
) -> Report:
    """Look again and again; the last report when the gate fails, or when the user interrupts.

    A finding at the end of a log may be the beginning of a spike that passes: the gate fails on
    what new rows have not taken back, or on what nothing followed for a minute.
    """
    clock = clock or Clock()
    told: dict[str, str] = {}
    report, rows, since, failing = Report(()), -1, clock.now(), False
    try:
        while True:
            begun = clock.now()
            report = look()
            _tell_news(report, told, tell)
            grown, rows = _rows(report) != rows, _rows(report)
            since = clock.now() if grown else since
            fails = exit_code(report, fail_on) == FINDINGS
            if fails and ((failing and grown) or clock.now() - since >= SILENT):
                return report
            failing = fails and (failing or grown)
            clock.wait(max(SOONEST, (clock.now() - begun) / SHARE))
    except KeyboardInterrupt:
        return report


def _rows(report: Report) -> int:
    return sum(len(series) for run in report.runs for series in run.run.series)


def _tell_news(report: Report, told: dict[str, str], tell: Tell) -> None:
    """A line for each run of which there is something else to say than at the last look."""
    for run in report.runs:
        name, said = str(run.run.path), telling.headline(run)
        if told.get(name) != said:
            told[name] = said
            tell(f"{name}{_reached(run)}: {said}")


def _reached(run: RunReport) -> str:
    last = [int(series.step[-1]) for series in run.run.series if len(series)]
    return f", {run.run.unit} {max(last)}" if last else ""
