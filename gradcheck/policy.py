"""Applies a project's settings to a report: what counts as what, and what is accepted."""

from __future__ import annotations

import datetime
import fnmatch
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from gradcheck.configuration.settings import Acceptance, Level, Settings
from gradcheck.model import (
    HEALTHY,
    INCONCLUSIVE,
    Accepted,
    Compared,
    Event,
    Report,
    RunReport,
    Severity,
)

Finding = TypeVar("Finding", Event, Compared)


def apply(report: Report, settings: Settings, today: datetime.date | None = None) -> Report:
    """The report with the severities and acceptances that the settings ask for."""
    day = today or datetime.date.today()
    return replace(report, runs=tuple(_Rules(settings, day, run).applied() for run in report.runs))


def explained_by(report: RunReport) -> str | None:
    """The cause that the report settles on, None where it names none or only the probable ones."""
    if report.verdict in (HEALTHY, INCONCLUSIVE) or not report.diagnoses:
        return None
    return report.diagnoses[0].cause


@dataclass(frozen=True)
class _Rules:
    """The settings as they bear on one run."""

    settings: Settings
    day: datetime.date
    report: RunReport

    def applied(self) -> RunReport:
        report = self.report
        events = tuple(self.ruled(event, self.names_of(event)) for event in report.events)
        comparison = report.comparison
        if comparison is not None:
            compared = (
                self.ruled(one, {"regression": one.check.value}) if one.severity else one
                for one in comparison.compared
            )
            comparison = replace(comparison, compared=tuple(compared))
        notes = (*report.notes, *self.notes())
        return replace(report, events=events, comparison=comparison, notes=notes)

    def names_of(self, event: Event) -> dict[str, str]:
        """What settings may call an event: its cause, if the report settles on one, and its kind.

        A cause explains what happens from its first bad step on; what came before has its own.
        """
        cause, first = explained_by(self.report), self.report.first_bad_step
        last = event.step if event.last_step is None else event.last_step
        later = first is None or last is None or last >= first
        return (
            {"cause": cause, "event": event.kind.value}
            if cause and later
            else {"event": event.kind.value}
        )

    def ruled(self, finding: Finding, names: dict[str, str]) -> Finding:
        for what, name in names.items():
            level = self.levels(what).get(name)
            if level is Level.IGNORE:
                by = f"{what}s.{name} in {self.settings.source}"
                return replace(finding, accepted=Accepted("ignored by the settings", by))
            if level is not None:
                finding = replace(finding, severity=Severity(level.value))
                break
        for acceptance in self.matching(names):
            if acceptance.until is None or acceptance.until >= self.day:
                until = acceptance.until.isoformat() if acceptance.until else None
                by = f"{acceptance.what} {acceptance.name} in {self.settings.source}"
                return replace(finding, accepted=Accepted(acceptance.reason, by, until))
        return finding

    def levels(self, what: str) -> dict[str, Level]:
        tables = {
            "cause": self.settings.causes,
            "event": self.settings.events,
            "regression": self.settings.regressions,
        }
        return dict(tables[what])

    def matching(self, names: dict[str, str]) -> Iterator[Acceptance]:
        for acceptance in self.settings.accepted:
            if names.get(acceptance.what) == acceptance.name and self.covers(acceptance.runs):
                yield acceptance

    def covers(self, pattern: str) -> bool:
        """Whether a pattern fits the run's path or its end, as shown or from the settings' file."""
        path = self.report.run.path
        spelled = {path.as_posix()}
        if self.settings.file is not None and "://" not in str(path):
            folder = self.settings.file.absolute().parent
            spelled.add(Path(os.path.relpath(path.absolute(), folder)).as_posix())
        pattern = pattern.removeprefix("./").rstrip("/") or pattern
        spellings = (pattern, f"*/{pattern}", f"{pattern}/*", f"*/{pattern}/*")
        return any(fnmatch.fnmatchcase(one, glob) for one in spelled for glob in spellings)

    def notes(self) -> Iterator[str]:
        """What was changed, and which acceptance has run out, where it would have mattered."""
        every = [self.names_of(event) for event in self.report.events]
        every += [{"regression": one.check.value} for one in self.report.regressions]
        said: dict[str, None] = {}
        for names in every:
            for what, name in names.items():
                level = self.levels(what).get(name)
                if level is not None and level is not Level.IGNORE:
                    said[f"{self.settings.source} counts {name} as {level.value}"] = None
                    break
            for one in self.matching(names):
                if one.until is not None and one.until < self.day:
                    said[f"{one.name} was accepted until {one.until}: {one.reason}"] = None
        yield from said
