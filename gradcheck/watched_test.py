"""Watches the training within a test, and says what is wrong with it."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gradcheck import terminal
from gradcheck import watch as watching
from gradcheck.detectors.early_gradient_spike import LEAST_OTHERS, SETTING, norms
from gradcheck.gate import FINDINGS, FailOn, exit_code
from gradcheck.model import Report, RunReport
from gradcheck.pytest_plugin import Settings
from gradcheck.reports import text
from gradcheck.reports.page import Page
from gradcheck.reports.phrases import status, what_happened
from gradcheck.reports.run_plots import put_plots
from gradcheck.watch.context import Watching
from gradcheck.watch.guard import Stop

_SWITCHED_OFF = "watching is switched off"
_active: list[Watched] = []
_taken: Counter[str] = Counter()
"""How many records of a name there are."""


class Watched:
    """One watched stretch of a test; `report` is there once it has ended."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.report: RunReport | None = None
        self.stopped = False
        """Whether the step that would poison the weights ended the test."""
        self._watching: Watching | None = None
        self._place: Path | None = None

    def start(self) -> None:
        """Begin to watch."""
        if _active:
            pytest.fail(
                f"{self.name}: gradcheck is watching already, for {_active[0].name}: "
                "a region within a watched test has nothing to add",
                pytrace=False,
            )
        keep = self.settings.record
        self._place = _new(keep, self.name) if keep else Path(tempfile.mkdtemp(prefix="gradcheck-"))
        # who judges nothing lets the test run to its end
        self._watching = watching(
            self._place, keep_going=self.settings.fail_on is FailOn.NEVER, replay=False
        )
        directory = self._watching.directory
        directory.mkdir(parents=True, exist_ok=True)
        # beside the record, so that `analyze` judges it as the test did
        settings = json.dumps({SETTING: self.settings.spike_ratio})
        (directory / "config.json").write_text(settings, encoding="utf-8")
        gc.collect()  # models of former tests that nobody holds any more are no part of this one
        _active.append(self)
        self._watching.__enter__()

    def stop(self, error: BaseException | None = None) -> None:
        """End it, the second time to no effect; `error` is what ended the test."""
        ended, self._watching = self._watching, None
        if ended is None:
            return
        _active.remove(self)
        self.stopped = isinstance(error, Stop)
        # an assertion that fails is no crash of the training
        told = error if isinstance(error, Stop | Exception) else None
        told = None if isinstance(error, AssertionError) else told
        printed = io.StringIO()
        with contextlib.redirect_stderr(printed):  # the report is told by the failure
            ended.__exit__(type(told) if told else None, told, None)
        for line in printed.getvalue().splitlines():
            if line.startswith("gradcheck: "):
                sys.stderr.write(f"{line}\n")
        self.report = ended.report
        if self._place is not None and not self.settings.record:
            shutil.rmtree(self._place, ignore_errors=True)

    def complaint(self) -> str | None:
        """Why the test fails, with the diagnosis; None where it does not."""
        fail_on = self.settings.fail_on
        if fail_on is FailOn.NEVER:
            return None
        if self.report is None:
            return _nothing("no optimizer of torch's took a step") if self._must_judge else None
        report = self.report
        if exit_code(Report((report,)), fail_on) == FINDINGS or self.stopped:
            return _told(replace(report, run=replace(report.run, path=Path(self.name))))
        fault = next((note for note in report.run.notes if note.startswith(_SWITCHED_OFF)), None)
        if fault is not None:
            return _nothing(fault)
        if fail_on is not FailOn.FAILURE and self._must_judge and _steps(report) <= LEAST_OTHERS:
            least = LEAST_OTHERS + 1
            return _nothing(f"a spike shows in {least} steps or more, and there were fewer")
        return None

    @property
    def _must_judge(self) -> bool:
        return self.settings.demanded


@contextlib.contextmanager
def region(settings: Settings) -> Iterator[Watched]:
    """Watch a block, and fail the test that runs it on findings.

    Raises:
        pytest.fail.Exception: findings, or nothing to judge.
    """
    watched = Watched(settings, "gradcheck_region")
    watched.start()
    try:
        yield watched
    except BaseException as error:
        watched.stop(error)
        if not watched.stopped:
            raise
    watched.stop()
    complaint = watched.complaint()
    if complaint is not None:
        pytest.fail(complaint, pytrace=False)


def _new(parent: Path, name: str) -> Path:
    """A directory of its own for each test, named after it."""
    wanted = re.sub(r"[^\w.=-]+", "-", name).strip("-.")[:150] or "test"
    _taken[wanted] += 1
    return parent / (wanted if _taken[wanted] == 1 else f"{wanted}-{_taken[wanted]}")


def _told(report: RunReport) -> str:
    """The report as on a terminal, also of a spike that broke nothing."""
    canvas = replace(terminal.canvas(None, sys.__stdout__), colour=False)
    if status(report) != "healthy":
        return text.RENDERER.render(Report((report,)), canvas).rstrip("\n")
    page = Page(canvas)
    severity = report.severity.value if report.severity else ""
    page.item(severity, f"{what_happened(report)}: no cause stands out", gap=2)
    put_plots(page, report)
    return page.finish().rstrip("\n")


def _nothing(reason: str) -> str:
    return f"gradcheck had nothing to judge: {reason}"


def _steps(report: RunReport) -> int:
    return max((len(norm) for norm in norms(report.run)), default=0)
