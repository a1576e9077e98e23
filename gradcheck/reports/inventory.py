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
MOST_SERIES = 200
GAP = 10
"""How many times the usual distance of two points makes a gap."""


def as_text(runs: Sequence[Run], canvas: Canvas) -> str:
    """A block for each run: where it is, what it holds, and a line for each series."""
    page = Page(canvas)
    for run in runs:
        page.line((str(run.path), "bold"))
        _put_facts(page, run)
        if run.series:
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
        if len(s) > 1
    ]
    return max(found, key=len, default=[])


def gaps(run: Run) -> list[tuple[int, int]]:
    """Where the longest series has no points for much longer than usual: the steps around it."""
    longest = max(run.series, key=len, default=None)
    if longest is None or len(longest) < 3:
        return []
    moves = np.diff(longest.step)
    usual = float(np.median(moves[moves > 0])) if (moves > 0).any() else 0.0
    wide = np.flatnonzero(moves > GAP * usual) if usual else np.zeros(0, dtype=np.int64)
    return [(int(longest.step[row]), int(longest.step[row + 1])) for row in wide]


def _put_facts(page: Page, run: Run) -> None:
    known = [run.format, run.framework or "", steps(run.first_step, run.last_step)]
    known += [f"{len(run.series)} series", count(run.points, "point")]
    page.line(", ".join(fact for fact in known if fact), indent=2)
    back, missing = rewinds(run), gaps(run)
    if back:
        page.line(f"the step goes back {count(len(back), 'time')}: {_few(back)}", indent=2)
    if missing:
        page.line(f"no points for long, {count(len(missing), 'time')}: {_few(missing)}", indent=2)
    if run.resumed_at:
        page.line(f"goes on in {count(len(run.resumed_at), 'further file')}", indent=2)
    for message in run.messages[:MOST_REWINDS]:
        where = f"line {message.order}: " if run.by_line else ""
        page.line(f"it says: {where}{shorten(message.text, page.width)}", indent=2)
    if run.hparams:
        told = ", ".join(f"{name}={value}" for name, value in run.hparams.items())
        page.line(f"hyperparameters: {shorten(told, 3 * page.width)}", indent=2)
    for note in run.notes:
        page.line((note, "dim"), indent=2)


def _few(pairs: Sequence[tuple[int, int]]) -> str:
    shown = ", ".join(f"{start} to {end}" for start, end in pairs[:MOST_REWINDS])
    return shown + (", ..." if len(pairs) > MOST_REWINDS else "")


def _put_series(page: Page, run: Run) -> None:
    header = ["role", "points", "steps", "min", "max", "not finite"]
    if page.width < NARROW:
        header = ["points", "not finite"]
    elif page.width < MEDIUM:
        header.remove("steps")
    shown = _telling(run)
    page.table([*header, "series (* judged)"], [_row(page, run, one, header) for one in shown])
    rest = len(run.series) - len(shown)
    if rest:
        page.line(f"and {rest} more series: --format json shows all of them", indent=2)


def _telling(run: Run) -> list[Series]:
    """The series that fit on a page, in the order of the log: those that are judged come first."""
    judged = set(run.primary.values())
    ranked = sorted(run.series, key=lambda one: (one.name not in judged, one.role is Role.OTHER))
    kept = {id(one) for one in ranked[:MOST_SERIES]}
    return [one for one in run.series if id(one) in kept]


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
        "gaps": [{"from": start, "to": end} for start, end in gaps(run)],
        "files_joined": 1 + len(run.resumed_at),
        "lost": [{"file": o.file, "first": o.first, "stop": o.stop} for o in run.lost],
        "messages": [
            {"said": m.said.value, "line": m.order if run.by_line else None, "text": m.text}
            for m in run.messages
        ],
        "hparams": {name: _plain(value) for name, value in run.hparams.items()},
        "notes": list(run.notes),
        "series": [_facts(run, series) for series in run.series],
    }


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


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
