"""Measures the HTML of a million points: `python -m tests.reports.html.bench`."""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from gradcheck.model import Report, Role
from gradcheck.reports.base import Canvas
from gradcheck.reports.html import RENDERER
from tests.reports.conftest import exploding, run, series
from tests.reports.html import cases

POINTS, ROUNDS = 1_000_000, 5
# Scripts run before the document is ready, so that the plots are there and answer by then.
READY = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


def million() -> Report:
    """A run of a million points in two series, that explodes near its end."""
    rows = POINTS // 2
    noise = np.random.default_rng(0).normal(0, 0.1, (2, rows))
    growth = np.exp(np.clip(np.arange(rows) - 0.9 * rows, 0, None) * 1e-3)
    loss, norm = np.exp(noise) * np.minimum(growth, 1e30)
    loss[-1000:] = np.nan
    columns = (series("loss", loss, Role.LOSS), series("grad_norm", norm, Role.GRAD_NORM))
    found = exploding()
    return Report((replace(found, run=run("runs/long", *columns)),))


def measure(name: str, report: Report) -> None:
    """Print the size of a report, and how long it takes to make it and to open it."""
    from playwright.sync_api import sync_playwright

    started = time.perf_counter()
    text = RENDERER.render(report, Canvas())
    made = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder, "report.html")
        file.write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        times = []
        for _ in range(ROUNDS):
            page = browser.new_page()
            page.goto(file.as_uri())
            times.append(page.evaluate(READY))
            page.close()
        browser.close()
    told = f"{statistics.median(times):.0f} ms (at most {max(times):.0f})"
    print(f"{name}: {len(text) / 1e6:.2f} MB, made in {made:.2f} s, interactive in {told}")


if __name__ == "__main__":
    measure("a million points", million())
    measure("a sweep of 50 runs", cases.sweep(50))
    measure("a sweep of 300 runs", cases.sweep(300))
    measure("160 layers", Report((cases.layered(160),)))
