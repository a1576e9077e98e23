"""Shows what was found in the logs, without judging it: the output of `inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.text import Text

from gradcheck.model import Role, Run, Series
from gradcheck.reports.base import Canvas
from gradcheck.reports.escape import shorten
from gradcheck.reports.json import dumps, roles
from gradcheck.reports.page import Page
from gradcheck.reports.phrases import number, steps, words
from gradcheck.wording import count

NARROW, MEDIUM = 60, 100
MOST_REWINDS = 3


def as_text(runs: Sequence[Run], canvas: Canvas) -> str:
    """A block for each run: where it is, what it holds, and a line for each series."""
    page = Page(canvas)
    for run in runs:
        page.line((str(run.path), "bold"))
        _put_facts(page, run)
        _put_series(page, run)
        page.blank()
    return page.finish()


def as_json(runs: Sequence[Run]) -> str:
    """The same as JSON."""
    return dumps({"schema_version": 1, "runs": [_run(run) for run in runs]})


def rewinds(run: Run) -> list[tuple[int, int]]:
    """Where the step goes back, from and to, in the series that shows it most often."""
    found = [
        [(int(s.step[row]), int(s.step[row + 1])) for row in np.flatnonzero(np.diff(s.step) < 0)]
        for s in run.series
    ]
    return max(found, key=len, default=[])


def _put_facts(page: Page, run: Run) -> None:
    known = [run.format, run.framework or "", steps(run.first_step, run.last_step)]
    known += [f"{len(run.series)} series", count(run.points, "point")]
    page.line(", ".join(fact for fact in known if fact), indent=2)
    back = rewinds(run)
    if back:
        shown = ", ".join(f"{start} to {end}" for start, end in back[:MOST_REWINDS])
        more = ", ..." if len(back) > MOST_REWINDS else ""
        page.line(f"the step goes back {count(len(back), 'time')}: {shown}{more}", indent=2)
    for note in run.notes:
        page.line((note, "dim"), indent=2)


def _put_series(page: Page, run: Run) -> None:
    header = ["role", "points", "steps", "min", "max", "not finite"]
    if page.width < NARROW:
        header = ["points", "not finite"]
    elif page.width < MEDIUM:
        header.remove("steps")
    rows = [_row(page, run, series, header) for series in run.series]
    page.table([*header, "series (* judged)"], rows)


def _row(page: Page, run: Run, series: Series, header: Sequence[str]) -> list[Text]:
    facts = _facts(run, series)
    low, high = facts["min"], facts["max"]
    cells = {
        "role": words(series.role.value),
        "points": str(len(series)),
        "steps": steps(facts["first_step"], facts["last_step"]).partition(" ")[2],
        "min": "" if low is None else number(low),
        "max": "" if high is None else number(high),
        "not finite": str(facts["nonfinite"] or ""),
    }
    name = shorten(series.name, 3 * page.width) + (" *" if facts["primary"] else "")
    return [*(page.text(cells[title]) for title in header), page.text(name)]


def _run(run: Run) -> dict[str, Any]:
    return {
        "path": str(run.path),
        "format": run.format,
        "framework": run.framework,
        "first_step": run.first_step,
        "last_step": run.last_step,
        "points": run.points,
        "roles": roles(run),
        "rewinds": [{"from": start, "to": end} for start, end in rewinds(run)],
        "notes": list(run.notes),
        "series": [_facts(run, series) for series in run.series],
    }


def _facts(run: Run, series: Series) -> dict[str, Any]:
    finite = series.value[np.isfinite(series.value)]
    primary = series.role is not Role.OTHER and run.primary.get(series.role) == series.name
    return {
        "name": series.name,
        "role": series.role.value,
        "primary": primary,
        "points": len(series),
        "first_step": int(series.step.min()) if len(series) else None,
        "last_step": int(series.step.max()) if len(series) else None,
        "min": float(finite.min()) if len(finite) else None,
        "max": float(finite.max()) if len(finite) else None,
        "nonfinite": len(series) - len(finite),
    }
