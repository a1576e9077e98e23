"""Where to look for what a report tells: a line of the script, a line of the log, or the log."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gradcheck.model import RunReport
from gradcheck.reports.phrases import gravest

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")


@dataclass(frozen=True)
class Spot:
    """A file, or a directory of event files, and a line of it."""

    path: str
    """Relative to the working directory where it lies below it, with forward slashes."""
    line: int | None = None
    """The first line is 1."""

    @property
    def uri(self) -> str:
        """The path as a URI reference, relative if the path is."""
        if _URL.match(self.path):
            return quote(self.path, safe="/:?&=%@")
        quoted = quote(_bytes(self.path), safe="/")
        absolute = self.path.startswith("/") or Path(self.path).is_absolute()
        return "file:///" + quoted.lstrip("/") if absolute else quoted

    @property
    def is_relative(self) -> bool:
        """Whether the path starts in the working directory."""
        return not _URL.match(self.path) and not Path(self.path).is_absolute()


def _bytes(path: str) -> bytes:
    """A path as the file system holds it; one that a record made up may hold what none can."""
    try:
        return os.fsencode(path)
    except UnicodeEncodeError:
        return path.encode("utf-8", "backslashreplace")


def spot(path: Path | str, line: int | None = None) -> Spot:
    """A place by its path."""
    text = str(path)
    if _URL.match(text):
        return Spot(text, line)
    try:
        text = Path(text).relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        text = Path(text).as_posix()
    return Spot(text, line if line is not None and line > 0 else None)


def in_script(report: RunReport) -> Spot | None:
    """The script's line, where the best diagnosis knows it."""
    where = report.diagnoses[0].where if report.diagnoses else None
    return spot(where.file, where.line) if where is not None and where.file else None


def in_log(report: RunReport) -> Spot:
    """The line of the log where the gravest event began, or the log itself."""
    first = gravest(report)
    return spot(report.run.path, first.order if first and report.run.by_line else None)
