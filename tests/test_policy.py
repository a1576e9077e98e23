"""What settings make of a report: severities, acceptances with reasons, and when they run out."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

from gradcheck import policy
from gradcheck.configuration.settings import Acceptance, Level, Settings
from gradcheck.gate import FailOn, exit_code
from gradcheck.model import (
    INCONCLUSIVE,
    Check,
    Compared,
    Comparison,
    Diagnosis,
    Event,
    Evidence,
    Family,
    Kind,
    Report,
    Run,
    RunReport,
    Severity,
)

DAY = datetime.date(2026, 6, 1)
EARLY = Event(Kind.GRADIENT_SPIKE, Severity.SPIKE, "norm", 20, 21, recovered=True)
NAN = Event(Kind.NONFINITE_LOSS, Severity.FAILURE, "loss", 100, 199, recovered=False)
WORSE = Compared(
    Check.LOSS_END, "loss", "It ends worse.", 2.0, 1.0, 1.5, 2.0, 80, 99, Severity.FAILURE
)
SAME = replace(WORSE, check=Check.GRADIENT_NORM, excess=0.2, severity=None)
FILE = Path("gradcheck.toml")


def judged(verdict: str = "bad_data", path: str = "runs/a") -> RunReport:
    said = Evidence("It became NaN.", "loss", 100, 100)
    best = Diagnosis(Family.BAD_DATA, "nonfinite_input", 0.9, 100, "A NaN came in.", (said,))
    return RunReport(Run(Path(path), "csv", ()), verdict, 0.9, 100, (EARLY, NAN), (best,))


def compared() -> RunReport:
    beside = Comparison((Path("good"),), "step", 0, 99, (WORSE, SAME))
    return RunReport(Run(Path("runs/a"), "csv", ()), "healthy", 0.9, None, comparison=beside)


def settings(**values: object) -> Settings:
    return Settings(file=FILE, **values)  # type: ignore[arg-type]


def applied(report: RunReport, told: Settings) -> RunReport:
    return policy.apply(Report((report,)), told, DAY).runs[0]


def accept(what: str, name: str, **more: object) -> Settings:
    return settings(accepted=(Acceptance(what, name, "known", **more),))  # type: ignore[arg-type]


def test_without_settings_nothing_changes() -> None:
    report = judged()
    assert applied(report, Settings()) == report
    assert applied(compared(), Settings()).open_severity is Severity.FAILURE


def test_a_cause_counts_as_what_the_settings_say_from_its_first_bad_step_on() -> None:
    report = applied(judged(), settings(causes={"nonfinite_input": Level.WARNING}))
    assert [event.severity for event in report.events] == [Severity.SPIKE, Severity.WARNING]
    assert report.notes == ("gradcheck.toml counts nonfinite_input as warning",)


def test_a_cause_that_is_only_probable_excuses_nothing() -> None:
    unsure = judged(INCONCLUSIVE)
    assert applied(unsure, accept("cause", "nonfinite_input")) == unsure
    assert applied(unsure, settings(causes={"nonfinite_input": Level.IGNORE})) == unsure


def test_what_is_ignored_stays_in_the_report_and_does_not_count() -> None:
    report = applied(judged(), settings(events={"nonfinite_loss": Level.IGNORE}))
    assert report.events[1].accepted is not None
    assert report.events[1].accepted.by == "events.nonfinite_loss in gradcheck.toml"
    assert report.open_severity is Severity.SPIKE
    assert report.severity is Severity.FAILURE


def test_a_cause_wins_over_its_events() -> None:
    both = settings(
        causes={"nonfinite_input": Level.SPIKE}, events={"nonfinite_loss": Level.IGNORE}
    )
    assert applied(judged(), both).events[1].severity is Severity.SPIKE
    assert applied(judged(), both).events[1].accepted is None


def test_an_accepted_finding_does_not_fail_the_build() -> None:
    told = accept("cause", "nonfinite_input", until=DAY)
    report = policy.apply(Report((judged(),)), told, DAY)
    accepted = report.runs[0].events[1].accepted
    assert accepted is not None
    assert (accepted.reason, accepted.until) == ("known", "2026-06-01")
    assert exit_code(report, FailOn.FAILURE) == 0
    assert exit_code(report, FailOn.SPIKE) == 1  # the spike before it has another cause


def test_an_acceptance_runs_out_and_says_so() -> None:
    told = accept("cause", "nonfinite_input", until=DAY - datetime.timedelta(days=1))
    report = applied(judged(), told)
    assert report.open_severity is Severity.FAILURE
    assert report.notes == ("nonfinite_input was accepted until 2026-05-31: known",)


def test_regressions_can_be_accepted_and_counted_otherwise() -> None:
    report = applied(compared(), accept("regression", "loss_end"))
    assert report.open_severity is None
    assert report.regressions[0].accepted is not None
    assert report.comparison is not None
    assert report.comparison.compared[1] == SAME
    milder = applied(compared(), settings(regressions={"loss_end": Level.WARNING}))
    assert milder.open_severity is Severity.WARNING


@pytest.mark.parametrize(
    ("path", "pattern", "covered"),
    [
        ("runs/a", "*", True),
        ("runs/a", "runs/a", True),
        ("runs/a/metrics.csv", "runs/a", True),
        ("runs/a/metrics.csv", "runs/*", True),
        ("deep/runs/a", "runs/a", True),
        ("runs/a", "a", True),
        ("runs/a", "./runs/a/", True),
        ("runs/a", "runs/b", False),
        ("runs/ab", "runs/a", False),
        ("runs/a", "run", False),
        ("runs/[x]", "runs/[[]x]", True),
    ],
)
def test_patterns_of_runs(path: str, pattern: str, covered: bool) -> None:
    report = applied(judged(path=path), accept("event", "nonfinite_loss", runs=pattern))
    assert (report.events[1].accepted is not None) is covered
