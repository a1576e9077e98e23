"""What is known of a stranger's log, and how a report compares with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gradcheck import diagnosis
from gradcheck.model import HEALTHY, INCONCLUSIVE, RunReport, Severity
from tests.watched.truth import REFINED

LOGS = Path(__file__).parent / "logs"


@dataclass(frozen=True)
class Truth:
    """A log by name: how its training fails, as its author built it."""

    name: str
    family: str
    causes: frozenset[str]
    """Those that a reader of the log may name, by any of their names."""
    steps: tuple[int, int] | None
    """The steps, as logged, between which trouble begins."""
    decidable: str
    """What a careful reader could say at best: the cause, the family, or no more than a list."""


@dataclass(frozen=True)
class Outcome:
    """How the report on a log compares with its truth."""

    truth: Truth
    verdict: str
    confidence: float
    causes: tuple[str, ...]
    families: tuple[str, ...]
    """Of the diagnoses, the most probable first."""
    first_bad_step: int | None
    cadence: int
    failed: bool
    """Whether an event is a failure."""

    @property
    def found(self) -> bool:
        """Whether anything is said to be wrong."""
        return self.failed or self.verdict != HEALTHY

    @property
    def decided(self) -> bool:
        """Whether the verdict is a family."""
        return self.verdict not in (HEALTHY, INCONCLUSIVE)

    @property
    def has_family(self) -> bool:
        """Whether it is the right one."""
        return self.verdict == self.truth.family

    @property
    def has_cause(self) -> bool:
        """Whether the cause told first is one that may be named."""
        return bool(self.causes) and self.causes[0] in self.truth.causes

    @property
    def among_two(self) -> bool:
        """Whether the family is one of the first two."""
        return self.truth.family in tuple(dict.fromkeys(self.families))[:2]

    @property
    def placed(self) -> bool:
        """Whether the first bad step is right within a logged row."""
        if self.truth.steps is None or self.first_bad_step is None:
            return False
        first, last = self.truth.steps
        return first - self.cadence <= self.first_bad_step <= last + self.cadence


def truths() -> list[Truth]:
    """All of them, by name."""
    return [_read(file) for file in sorted(LOGS.glob("*/truth.json"))]


def _read(file: Path) -> Truth:
    told = json.loads(file.read_text("utf-8"))
    named = set(told.get("causes", ()))
    for log_level, refined in REFINED.items():
        if named & refined:
            named.add(log_level)
    step = told.get("first_bad_step")
    steps = None if step is None else (step[0], step[1]) if isinstance(step, list) else (step, step)
    return Truth(
        file.parent.name,
        told["family"],
        frozenset(named),
        steps,
        told.get("decidable", "cause"),
    )


def outcome(truth: Truth) -> Outcome:
    """Diagnose the log."""
    reports = diagnosis.analyze(LOGS / truth.name / "run").runs
    assert reports, truth.name
    report = reports[0]
    return Outcome(
        truth,
        report.verdict,
        report.confidence,
        tuple(told.cause for told in report.diagnoses),
        tuple(told.family.value for told in report.diagnoses),
        report.first_bad_step,
        _cadence(report),
        any(event.severity is Severity.FAILURE for event in report.events),
    )


def _cadence(report: RunReport) -> int:
    steps: Sequence[int] = sorted({int(s) for one in report.run.series for s in one.step})
    gaps = sorted(after - before for before, after in pairwise(steps))
    return gaps[len(gaps) // 2] if gaps else 1
