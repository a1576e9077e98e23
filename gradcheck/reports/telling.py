"""What a build page says of one run: the same sentences for annotations, SARIF and JUnit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gradcheck.model import HEALTHY, INCONCLUSIVE, Compared, Diagnosis, Event, RunReport, Severity
from gradcheck.reports.phrases import judgement, place, status, what_happened
from gradcheck.wording import count

MOST_EVIDENCE, MOST_REMEDIES = 3, 3
_STATES = {"spike": "with spikes", "warning": "with warnings"}
"""What to call runs of a status, where its own word does not say it."""


def headline(report: RunReport) -> str:
    """What happened and why, in one line."""
    happened = what_happened(report)
    if not happened:
        return judgement(report)
    sound = report.verdict == HEALTHY and not report.regressions
    return happened if sound else f"{happened}: {judgement(report)}"


def best(report: RunReport) -> Diagnosis | None:
    """The diagnosis to tell; None where nothing broke, or nothing explains it."""
    return report.diagnoses[0] if report.diagnoses and report.verdict != HEALTHY else None


def sentences(report: RunReport) -> Iterator[str]:
    """What stands behind the headline, one sentence a line."""
    yield from (f"- {regression.statement}" for regression in report.regressions)
    yield from acceptances(report)
    diagnosis = best(report)
    if diagnosis is None:
        return
    if report.verdict != INCONCLUSIVE:
        yield diagnosis.summary
    if diagnosis.where is not None:
        yield place(diagnosis.where)
    for evidence in diagnosis.evidence[:MOST_EVIDENCE]:
        yield f"- {evidence.statement}"
    for rank, remedy in enumerate(diagnosis.remedies[:MOST_REMEDIES], start=1):
        yield f"Change {rank}: {remedy.action}"
    for lack in report.missing[:1]:
        yield f"To be sure: {lack.how}"


def tally(runs: Sequence[RunReport]) -> str:
    """How many runs there are of each status, in their order: `2 failed, 1 healthy, of 3 runs`."""
    found = Counter(status(run) for run in runs)
    listed = [f"{amount} {_STATES.get(state, state)}" for state, amount in found.items()]
    return f"{', '.join(listed)}, of {count(len(runs), 'run')}"


def is_noteworthy(report: RunReport, fail_on: Severity | None) -> bool:
    """Whether a build page should have a line about the run: what a healthy run shook off is
    only told where it is more than a warning, or fails the build.
    """
    gravest = max((f.severity.rank for f in report.findings if f.severity), default=None)
    if gravest is None:
        return False
    grave = gravest > Severity.WARNING.rank or fail_on is Severity.WARNING
    return report.verdict != HEALTHY or grave


def fails(finding: Event | Compared, fail_on: Severity | None) -> bool:
    """Whether a finding alone fails the build."""
    if fail_on is None or finding.severity is None or finding.accepted is not None:
        return False
    return finding.severity.rank >= fail_on.rank


def acceptances(report: RunReport) -> list[str]:
    """Why findings do not count, each reason once."""
    accepted = (finding.accepted for finding in report.findings)
    told = (f"Accepted: {one.reason} ({one.by})" for one in accepted if one is not None)
    return list(dict.fromkeys(told))


def nothing_judged(unread: int) -> str:
    """Why there is nothing to tell."""
    rest = f"; {count(unread, 'path')} not judged" if unread else ""
    return f"Nothing to judge: no run was found{rest}."
