"""A headless Chromium, and pages that must neither complain nor ask for anything."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gradcheck.model import Report, RunReport
from gradcheck.reports.base import Canvas
from gradcheck.reports.html import RENDERER

REQUIRE = "GRADCHECK_REQUIRE_BROWSER"
DESKTOP, PHONE = (1280, 900), (390, 844)


def render(*runs: RunReport) -> str:
    """The page of some runs."""
    return RENDERER.render(Report(runs), Canvas())


@dataclass
class Opened:
    """A page in the browser, and what it said and asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


Open = Callable[..., Any]


@pytest.fixture(scope="session", name="browser")
def _browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _miss("playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        _miss("chromium is not installed")
    with sync_playwright() as playwright:
        # Without a sandbox of its own, since CI runs as root.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def _miss(reason: str) -> None:
    if os.environ.get(REQUIRE):
        pytest.fail(f"{reason}, and {REQUIRE} is set")
    pytest.skip(reason)


@pytest.fixture(name="open_page")
def _open_page(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens a report from a file; fails in the end if a page complained or asked for more."""
    opened: list[Opened] = []

    def open_page(
        report: str | Report, size: tuple[int, int] = DESKTOP, scheme: str = "light", **more: Any
    ) -> Any:
        text = report if isinstance(report, str) else RENDERER.render(report, Canvas())
        file = tmp_path / f"report_{len(opened)}.html"
        file.write_text(text, encoding="utf-8")
        width, height = size
        page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=scheme, **more
        )
        kept = Opened(page)
        opened.append(kept)
        page.on("console", lambda said: kept.complaints.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: kept.complaints.append(str(error)))
        page.on("request", lambda request: kept.requests.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_function("document.readyState === 'complete'")
        return page

    yield open_page
    for kept in opened:
        # What is asked of a closed page can no longer be heard.
        kept.page.wait_for_timeout(50)
        injected = kept.page.evaluate("window.injected")
        kept.page.context.close()
        assert injected is None
        assert kept.complaints == []
        assert [url for url in kept.requests[1:] if not url.startswith("data:")] == []
