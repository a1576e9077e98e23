"""Hands a report to its destinations: the terminal, files, and what a CI service shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from gradcheck import terminal
from gradcheck.errors import UsageError
from gradcheck.gate import FailOn

if TYPE_CHECKING:
    from gradcheck.formats import Destination
    from gradcheck.model import Report
    from gradcheck.reports.base import Appendix, Canvas

_SHORTENED = "\n\n_The rest did not fit into this summary._\n"


def checked(destinations: Sequence[Destination]) -> list[Destination]:
    """The destinations, fixed to where they are now: a watched script may change its directory.

    Raises:
        UsageError: a file cannot be written, told before minutes of work rather than after.
    """
    for destination in destinations:
        terminal.check_writable(destination.file)
    return [replace(one, file=one.file and one.file.absolute()) for one in destinations]


def deliver(
    report: Report,
    destinations: Sequence[Destination],
    fail_on: FailOn,
    exit_code: int,
    stream: TextIO | None = None,
) -> None:
    """Write the report everywhere; the terminal is `stream`, stdout if none is named.

    Raises:
        UsageError: a file could not be written; the other destinations have got theirs.
    """
    failed: list[UsageError] = []
    for destination in destinations:
        canvas = _canvas(destination, fail_on, exit_code, stream)
        text = destination.renderer.render(report, canvas)
        try:
            terminal.write(text, destination.file, stream)
        except UsageError as error:
            failed.append(error)
        appendix = destination.renderer.appendix
        if appendix is not None:
            _append(appendix, report, canvas)
    for another in failed[1:]:
        terminal.warn(str(another))
    if failed:
        raise failed[0]


def _canvas(
    destination: Destination, fail_on: FailOn, exit_code: int, stream: TextIO | None
) -> Canvas:
    from gradcheck.model import Severity  # noqa: PLC0415 - `--help` must not pay for numpy

    mildest = None if fail_on is FailOn.NEVER else Severity(fail_on.value)
    surface = terminal.canvas(destination.file, stream)
    return replace(surface, fail_on=mildest, exit_code=exit_code)


def _append(appendix: Appendix, report: Report, canvas: Canvas) -> None:
    """Add to the file that the service names, if it names one; the report does not depend on it."""
    named = os.environ.get(appendix.variable)
    if not named:
        return
    file = Path(named)
    try:
        used = file.stat().st_size if file.exists() else 0
        content = _fitting(appendix.render(report, canvas), appendix.most_bytes - used)
        with file.open("ab") as opened:
            opened.write(content)
    except OSError as error:
        terminal.warn(f"cannot write {appendix.variable}={named}: {error.strerror or error}")


def _fitting(text: str, room: int) -> bytes:
    """As much of the text as has room, in UTF-8, ended by a sentence that says so if it is cut."""
    content = text.encode("utf-8", "backslashreplace")
    if len(content) <= room:
        return content
    note = _SHORTENED.encode()
    kept = content[: room - len(note)].rpartition(b"\n")[0] if room > len(note) else b""
    return kept + note if kept else b""
