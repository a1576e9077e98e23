"""The exit codes, as a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradcheck.gate import FailOn, exit_code
from gradcheck.model import Event, Kind, Report, Run, RunReport, Severity, Unread

WARNING = Event(Kind.PLATEAU, Severity.WARNING, "loss", 1, 1, recovered=False)
SPIKE = Event(Kind.LOSS_SPIKE, Severity.SPIKE, "loss", 1, 1, recovered=True)
FAILURE = Event(Kind.NONFINITE_LOSS, Severity.FAILURE, "loss", 1, 1, recovered=False)
NOT_A_LOG = Unread(Path("notes.csv"), "not a log")
BROKEN = Unread(Path("gone"), "no such file", broken=True)


def judged(*events: Event) -> RunReport:
    return RunReport(Run(Path("r"), "csv", ()), "inconclusive", 0.5, 1, events)


@pytest.mark.parametrize(
    ("runs", "unread", "fail_on", "code"),
    [
        ([judged()], [], "failure", 0),
        ([judged(SPIKE)], [], "failure", 0),
        ([judged(WARNING)], [], "spike", 0),
        ([judged(FAILURE)], [], "never", 0),
        ([judged()], [NOT_A_LOG], "warning", 0),
        ([judged(FAILURE)], [], "failure", 1),
        ([judged(SPIKE)], [], "spike", 1),
        ([judged(FAILURE)], [], "spike", 1),
        ([judged(WARNING)], [], "warning", 1),
        ([judged(), judged(FAILURE)], [BROKEN], "failure", 1),
        ([], [BROKEN], "failure", 2),
        ([judged()], [BROKEN], "failure", 2),
        ([judged(FAILURE)], [BROKEN], "never", 2),
        ([judged(SPIKE)], [NOT_A_LOG, BROKEN], "failure", 2),
        ([], [], "failure", 3),
        ([], [NOT_A_LOG], "failure", 3),
        ([], [NOT_A_LOG], "never", 3),
    ],
)
def test_exit_code(runs: list[RunReport], unread: list[Unread], fail_on: str, code: int) -> None:
    assert exit_code(Report(tuple(runs), tuple(unread)), FailOn(fail_on)) == code


def test_every_severity_can_fail_a_build() -> None:
    assert {f.value for f in FailOn} == {s.value for s in Severity} | {"never"}
