"""The report as Markdown: for the comment on a pull request, or the summary of a build."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradcheck.model import INCONCLUSIVE, Report, RunReport, Unread
from gradcheck.reports.base import Canvas, Renderer
from gradcheck.reports.markdown_run import details, healthy_line, title
from gradcheck.reports.markup import code, text
from gradcheck.reports.phrases import percent, status, words
from gradcheck.reports.places import in_log, spot
from gradcheck.reports.run_table import common_folder
from gradcheck.reports.telling import best, nothing_judged, tally
from gradcheck.wording import count

MOST_CHARACTERS = 65_000
"""GitHub refuses comments of more than 65,536; some room is left for a line of the user's own."""
MOST_ROWS, MOST_UNREAD, LONGEST_PATH = 50, 10, 160


def _render(report: Report, canvas: Canvas) -> str:
    bad = [run for run in report.runs if status(run) != "healthy"]
    parts = list(_head(report, bad))
    sections = [details(run, alone=len(report.runs) == 1) for run in bad]
    return _joined(parts, sections, list(_unread(report.unread)))


def _joined(parts: Sequence[str], sections: Sequence[str], ending: Sequence[str]) -> str:
    """All parts, and as many sections as there is room for."""
    kept: list[str] = []
    room = MOST_CHARACTERS - sum(len(part) + 2 for part in (*parts, *ending))
    for section in sections:
        rest = len(sections) - len(kept)
        note = f"_{count(rest, 'more run')} left out: a comment has no room for all of them._"
        if len(section) + len(note) + 4 > room:
            kept.append(note)
            break
        kept.append(section)
        room -= len(section) + 2
    return "\n\n".join([*parts, *kept, *ending]) + "\n"


def _head(report: Report, bad: Sequence[RunReport]) -> Iterator[str]:
    if not report.runs:
        yield "### gradcheck: nothing to judge"
        yield nothing_judged(len(report.unread))
        return
    if len(report.runs) == 1:
        run = report.runs[0]
        yield title(run)
        if not bad:
            yield healthy_line(run)
        return
    yield f"### gradcheck: {tally(report.runs)}"
    if not bad:
        yield "\n".join(
            f"- {code(in_log(run).path, LONGEST_PATH)}: {healthy_line(run)}"
            for run in _first(report.runs)
        )
    else:
        yield _table(report.runs)
    if len(report.runs) > MOST_ROWS:
        yield f"and {count(len(report.runs) - MOST_ROWS, 'more run')}"


def _table(runs: Sequence[RunReport]) -> str:
    folder = common_folder([run.run.path for run in runs])
    title = f"run in {code(spot(folder).path, LONGEST_PATH, cell=True)}" if folder else "run"
    rows = [f"| status | cause | sure | step | {title} |", "| --- | --- | --- | --- | --- |"]
    for run in _first(runs):
        diagnosis = best(run)
        doubt = "?" if run.verdict == INCONCLUSIVE else ""
        path = run.run.path.relative_to(folder) if folder else run.run.path
        cells = [
            status(run),
            words(diagnosis.cause) + doubt if diagnosis else "",
            percent(diagnosis.confidence) if diagnosis else "",
            "" if run.first_bad_step is None else str(run.first_bad_step),
        ]
        shown = code(path.as_posix(), LONGEST_PATH, cell=True)
        rows.append("| " + " | ".join([*map(text, cells), shown]) + " |")
    return "\n".join(rows)


def _first(runs: Sequence[RunReport]) -> Sequence[RunReport]:
    return runs[:MOST_ROWS]


def _unread(unread: Sequence[Unread]) -> Iterator[str]:
    lines = [
        f"- not judged: {code(str(item.path), LONGEST_PATH)}: {text(item.reason, 300)}"
        for item in unread[:MOST_UNREAD]
    ]
    if len(unread) > MOST_UNREAD:
        lines.append(f"- and {count(len(unread) - MOST_UNREAD, 'more path')} not judged")
    if lines:
        yield "\n".join(lines)


RENDERER = Renderer(suffixes=(".md", ".markdown"), render=_render)
