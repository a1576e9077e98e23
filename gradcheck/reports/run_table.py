"""Lists many runs in a table, one line each, the worst first."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from gradcheck.model import HEALTHY, INCONCLUSIVE, RunReport
from gradcheck.reports.escape import safe, shorten
from gradcheck.reports.page import Page
from gradcheck.reports.phrases import percent, status, words
from gradcheck.reports.run_details import STATUS_STYLE

WIDE, MEDIUM = 110, 60
MOST_ROWS = 30
GAP, LEAST_PATH = 2, 16


def put_table(page: Page, reports: Sequence[RunReport]) -> None:
    """As many columns as the page is wide enough for; paths are given below their common folder."""
    folder = common_folder([report.run.path for report in reports])
    columns = _columns(page.width)
    rows = [_row(page, report, columns) for report in reports[:MOST_ROWS]]
    taken = sum(max(len(c) for c in column) + GAP for column in zip(columns, *rows, strict=True))
    for row, report in zip(rows, reports, strict=False):
        path = report.run.path.relative_to(folder) if folder else report.run.path
        row.append(page.text(shorten(safe(str(path)), max(LEAST_PATH, 2 * (page.width - taken)))))
    page.table([*columns, _path_title(page, folder)], rows)
    if len(reports) > MOST_ROWS:
        page.line((f"and {len(reports) - MOST_ROWS} more", "dim"))


def common_folder(paths: Sequence[Path]) -> str:
    """The folder that holds all paths, empty where there is none."""
    if len({path.is_absolute() for path in paths}) > 1:
        return ""
    return os.path.commonpath([path.parent for path in paths])


def _columns(width: int) -> list[str]:
    if width >= WIDE:
        return ["status", "verdict", "cause", "sure", "first bad step"]
    return ["status", "cause", "sure", "step"] if width >= MEDIUM else ["status", "step"]


def _row(page: Page, report: RunReport, columns: Sequence[str]) -> list[Text]:
    state = status(report)
    best = report.diagnoses[0] if report.diagnoses and report.verdict != HEALTHY else None
    doubt = "?" if report.verdict == INCONCLUSIVE else ""
    step = "" if report.first_bad_step is None else str(report.first_bad_step)
    cells = {
        "status": page.text((state, STATUS_STYLE[state])),
        "verdict": page.text(words(report.verdict)),
        "cause": page.text(words(best.cause) + doubt if best else ""),
        "sure": page.text(percent(best.confidence) if best else ""),
        "step": page.text(step),
        "first bad step": page.text(step),
    }
    return [cells[column] for column in columns]


def _path_title(page: Page, folder: str) -> str:
    return page.fit(f"run in {folder}" if folder else "run")
