"""Writes what a run was compared with, how far out each check is, and what was accepted."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gradcheck.model import Accepted, Compared, Event, RunReport
from gradcheck.reports.page import Page
from gradcheck.reports.phrases import happenings, number, steps, words
from gradcheck.wording import count

WIDE = 60
MOST_ACCEPTED, MOST_BASELINES = 8, 3


def put_comparison(page: Page, report: RunReport) -> None:
    """What is worse than in the good runs, as sentences, and a row for each check."""
    comparison = report.comparison
    if comparison is None:
        return
    page.heading(f"Compared with {_named([str(path) for path in comparison.baselines])}")
    for one in comparison.regressions:
        page.item("-", one.statement, indent=2)
    header = ["check", "here", "good", "limit", "out", "steps"]
    if page.width < WIDE:
        header = ["check", "here", "limit", "out"]
    page.table(header, [_row(page, one, header) for one in comparison.compared])
    if comparison.compared:
        page.line(("out: 0 as the good runs, 1 at the limit", "dim"))
    for note in comparison.notes:
        page.line((f"Note: {note}", "dim"))


def put_accepted(page: Page, report: RunReport) -> None:
    """What is wrong and does not count, with the reason."""
    groups: dict[Accepted, list[Event | Compared]] = {}
    for finding in report.findings:
        if finding.accepted is not None:
            groups.setdefault(finding.accepted, []).append(finding)
    if groups:
        page.heading("Accepted")
    for accepted, findings in list(groups.items())[:MOST_ACCEPTED]:
        events = [finding for finding in findings if isinstance(finding, Event)]
        told = happenings(events)
        told += [words(f.check.value) for f in findings if isinstance(f, Compared)]
        until = f", until {accepted.until}" if accepted.until else ""
        reason = f"{accepted.reason} ({accepted.by}{until})"
        page.item("-", f"{'; '.join(told)}: ", (reason, "dim"), indent=2)


def _row(page: Page, one: Compared, header: Sequence[str]) -> list[Text]:
    style = "" if one.severity is None else "dim" if one.accepted else "bold red"
    cells = {
        "check": words(one.check.value),
        "here": number(one.value),
        "good": number(one.usual),
        "limit": number(one.limit),
        "out": f"{one.excess:.2f}",
        "steps": steps(one.first_step, one.last_step).partition(" ")[2],
    }
    return [page.text((cells[title], style)) for title in header]


def _named(paths: Sequence[str]) -> str:
    rest = len(paths) - MOST_BASELINES
    more = f" and {count(rest, 'more run')}" if rest > 0 else ""
    return ", ".join(paths[:MOST_BASELINES]) + more
