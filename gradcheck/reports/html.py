"""The report for a browser: one file that holds all it needs and asks for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

import gradcheck
from gradcheck.model import Report, Role, RunReport
from gradcheck.reports import html_plots, html_text, phrases
from gradcheck.reports.base import Canvas, Renderer
from gradcheck.reports.html_plots import Plots, Room
from gradcheck.reports.run_table import common_folder
from gradcheck.reports.sparkline import Sparkline, sparkline
from gradcheck.wording import count

MOST_ROWS, MOST_DETAILS, MOST_UNREAD = 1000, 100, 50
POINTS, CELLS = 72_000, 40_000
"""Of the whole file, shared by the runs with details: some 1.5 MB."""
LEAST_POINTS, LEAST_CELLS = 600, 300
LIBRARY = "uplot/uPlot.iife.min.js"
SCRIPTS = (
    "numbers.js",
    "points.js",
    "ticks.js",
    "marks.js",
    "chart.js",
    "heat_map.js",
    "page.js",
)
STYLES = ("uplot/uPlot.min.css", "page.css")


@dataclass(frozen=True)
class Details:
    """One run as the page shows it: the report, its plots, and their values."""

    number: int
    report: RunReport
    plots: Plots
    values: Markup


@dataclass(frozen=True)
class Row:
    """One run in the table of many."""

    report: RunReport
    picture: Sparkline | None
    last_loss: float | None
    detailed: bool


def _render(report: Report, canvas: Canvas) -> str:
    shown = report.runs[:MOST_DETAILS]
    share = max(len(shown), 1)
    room = Room(max(POINTS // share, LEAST_POINTS), max(CELLS // share, LEAST_CELLS))
    script, style = _script(), _style()
    paths = [run.run.path for run in report.runs]
    folder = common_folder(paths) if len(paths) > 1 else ""
    page = _templates().get_template("page.html.jinja")
    text = page.render(
        report=report,
        folder=folder,
        short=[path.relative_to(folder) if folder else path for path in paths],
        rows=[_row(run, place) for place, run in enumerate(report.runs[:MOST_ROWS])],
        details=[_details(run, place, room) for place, run in enumerate(shown)],
        most_unread=MOST_UNREAD,
        script=Markup(script),
        style=Markup(style),
        policy=_policy(script, style),
        version=gradcheck.__version__,
    )
    return html_text.in_ascii(text)


def _details(report: RunReport, number: int, room: Room) -> Details:
    plots = html_plots.choose(report, room)
    values = html_plots.values(report, plots)
    return Details(number, report, plots, html_text.embedded(values))


def _row(report: RunReport, place: int) -> Row:
    loss = report.run.get(Role.LOSS)
    last = float(loss.value[-1]) if loss is not None and len(loss) else None
    return Row(report, sparkline(loss), last, detailed=place < MOST_DETAILS)


def _policy(script: str, style: str) -> str:
    """Nothing is loaded, and nothing runs but what gradcheck itself put into the page."""
    return (
        f"default-src 'none'; script-src {html_text.fingerprint(script)}; "
        f"style-src {html_text.fingerprint(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _script() -> str:
    licence = "".join(f"// {line}\n" for line in _asset("uplot/LICENSE").splitlines() if line)
    own = "".join(map(_asset, SCRIPTS))
    return f"{licence}{_asset(LIBRARY)}\n(() => {{\n'use strict';\n{own}}})();\n"


def _style() -> str:
    return "".join(map(_asset, STYLES))


def _asset(path: str) -> str:
    return files("gradcheck.reports").joinpath("html_assets", path).read_text(encoding="utf-8")


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_asset),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=html_text.shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "words": phrases.words,
        "percent": phrases.percent,
        "number": phrases.number,
        "name": html_text.name,
        "saying": html_text.saying,
        "sentence": html_text.sentence,
        "code": html_text.code,
        "count": count,
        "status": phrases.status,
    }
    environment.globals |= {
        "status": phrases.status,
        "steps": phrases.steps,
        "extent": phrases.extent,
        "happenings": phrases.happenings,
        "what_happened": phrases.what_happened,
    }
    return environment


RENDERER = Renderer(suffixes=(".html", ".htm"), render=_render)
