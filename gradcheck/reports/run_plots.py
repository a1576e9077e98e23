"""Places the plots of a run's loss and gradient norm on a page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from gradcheck.measure.stretches import between
from gradcheck.model import Role, RunReport, Series
from gradcheck.reports.escape import ascii_only, shorten
from gradcheck.reports.page import Page
from gradcheck.reports.plot_points import window
from gradcheck.reports.terminal_plot import Frame, axis_of, draw

SIDE_BY_SIDE, STACKED = 110, 60
"""Widths from which two plots stand beside, or above, one another; below, only the first."""
GAP = 2
_ROLES = (Role.LOSS, Role.GRAD_NORM, Role.CLIPPED_GRAD_NORM, Role.LOSS_SCALE)


def put_plots(page: Page, report: RunReport) -> None:
    """The loss and the gradient norm around the event, as many as the page is wide enough for."""
    chosen = _chosen(report)[: 1 if page.width < STACKED else 2]
    span = window(report, chosen)
    shown = [between(series, *span) if span else series for series in chosen]
    shown = [series for series in shown if len(series)]
    if not shown:
        return
    page.blank()
    beside = len(shown) > 1 and page.width >= SIDE_BY_SIDE
    width = (page.width - GAP) // 2 if beside else page.width
    height = 11 if beside else 8 if len(shown) > 1 else 10
    frame = _frame(page, report, shown, (width, height))
    blocks = [_block(page, series, frame) for series in shown]
    if beside:
        grid = Table.grid(padding=(0, GAP, 0, 0))
        grid.add_row(*blocks)
        page.put(grid)
        return
    for block in blocks:
        page.put(block)


def _chosen(report: RunReport) -> list[Series]:
    found = (report.run.get(role) for role in _ROLES)
    return [series for series in found if series is not None and len(series)]


def _frame(page: Page, report: RunReport, shown: Sequence[Series], size: tuple[int, int]) -> Frame:
    first = min(int(series.step.min()) for series in shown)
    last = max(int(series.step.max()) for series in shown)
    bad = report.first_bad_step
    marked = bad if bad is not None and first <= bad <= last else None
    dots = page.canvas.unicode and page.canvas.braille
    return Frame(*size, first, last, marked, dots)


def _block(page: Page, series: Series, frame: Frame) -> Text:
    title = page.text((shorten(page.fit(series.name), max(frame.width - 40, 16)), "bold"))
    plot = draw(series, frame)
    finite = series.value[np.isfinite(series.value)]
    legend = [
        "log scale" if len(finite) and axis_of(finite).log else "",
        "no finite point here" if not len(finite) else "",
        "× not finite" if plot and len(finite) < len(series) else "",
        f"┊ step {frame.marked_step}" if plot and frame.marked_step is not None else "",
    ]
    told = page.fit("".join(f"  {note}" for note in legend if note))
    title.append(told if frame.unicode else ascii_only(told), "dim")
    title.truncate(frame.width)
    return title if plot is None else Text("\n").join([title, _coloured(plot)])


def _coloured(plot: str) -> Text:
    text = Text(plot)
    text.highlight_regex(r"[\u2801-\u28ff*]+", "cyan")
    text.highlight_regex(r"×+|(?<![\w.])x+(?!\w)", "bold red")
    text.highlight_regex(r"┊", "red")
    text.highlight_regex(r"[│┤└┬┼─]+", "dim")
    return text
