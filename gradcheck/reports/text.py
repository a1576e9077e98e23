"""The report for people: a table if there are many runs, then the worst ones in detail."""

from __future__ import annotations

from collections.abc import Sequence

from gradcheck.model import Report, RunReport, Unread
from gradcheck.reports.base import Canvas, Renderer
from gradcheck.reports.page import Page
from gradcheck.reports.phrases import status
from gradcheck.reports.run_details import put_details, put_healthy
from gradcheck.reports.run_table import put_table
from gradcheck.wording import count

MOST_DETAILS = 3
MOST_HEALTHY, MOST_UNREAD = 10, 10


def _render(report: Report, canvas: Canvas) -> str:
    page = Page(canvas)
    bad = [run for run in report.runs if status(run) != "healthy"]
    healthy = [run for run in report.runs if status(run) == "healthy"]
    if len(report.runs) > 1 and bad:
        put_table(page, bad + (healthy if len(healthy) <= MOST_HEALTHY else []))
    _put_worst(page, bad, alone=len(report.runs) == 1)
    if not bad or len(healthy) > MOST_HEALTHY:
        _put_healthy(page, healthy, after_others=bool(bad))
    _put_unread(page, report.unread)
    if not report.runs:
        page.line("Nothing to judge: no run was found.")
    return page.finish()


def _put_worst(page: Page, bad: Sequence[RunReport], *, alone: bool) -> None:
    for run in bad[:MOST_DETAILS]:
        if not alone:
            page.blank()
            page.rule()
        put_details(page, run)
    rest = len(bad) - MOST_DETAILS
    if rest > 0:
        page.blank()
        page.line(
            f"{count(rest, 'more run')} in the table above: analyze one alone for its details,",
            " or use --format json for all.",
        )


def _put_healthy(page: Page, healthy: Sequence[RunReport], *, after_others: bool) -> None:
    if len(healthy) > MOST_HEALTHY:
        if after_others:
            page.blank()
        page.line((f"{count(len(healthy), 'healthy run')}", "green"))
        return
    for run in healthy:
        put_healthy(page, run)


def _put_unread(page: Page, unread: Sequence[Unread]) -> None:
    if unread:
        page.blank()
    for item in unread[:MOST_UNREAD]:
        page.item(("not judged", "dim"), (f"{item.path}: {item.reason}", "dim"), gap=2)
    if len(unread) > MOST_UNREAD:
        page.line((f"and {count(len(unread) - MOST_UNREAD, 'more path')} not judged", "dim"))


RENDERER = Renderer(suffixes=(".txt",), render=_render)
