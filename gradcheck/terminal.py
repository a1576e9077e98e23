"""The two streams of the command line: what stdout can show, and what stderr is told meanwhile."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from gradcheck.errors import UsageError
from gradcheck.reports.base import Canvas
from gradcheck.reports.escape import ascii_only, safe

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gradcheck.model import Unread

T = TypeVar("T")

FILE_WIDTH, NARROWEST, WIDEST = 100, 40, 120
MOST_NOT_LOGS = 10
PATIENCE = 0.5
"""Seconds of work before the progress bar appears."""
_NEEDED = "─┊│┤×⣿"


def canvas(output: Path | None, stream: TextIO | None = None) -> Canvas:
    """What the report may look like on a stream, stdout if none is named, or in a file."""
    if output is not None:
        return Canvas(FILE_WIDTH)
    from rich.console import Console  # noqa: PLC0415 - slow, and not every command needs it

    stream = stream or sys.stdout
    console = Console(file=stream)
    colour = console.color_system is not None and not console.no_color
    width = min(max(console.width, NARROWEST), WIDEST)
    return Canvas(width, colour, _shows_unicode(stream.encoding))


def write(text: str, output: Path | None, stream: TextIO | None = None) -> None:
    """Write the report to a file, else to a stream, whose reader may have gone away."""
    if output is not None:
        _write_file(text, output)
        return
    stream = stream or sys.stdout
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # Python flushes the stream once more at exit and would complain there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def show(renderable: RenderableType) -> None:
    """Print something that rich lays out."""
    from rich.console import Console  # noqa: PLC0415

    surface = canvas(None)
    console = Console(width=surface.width, highlight=False, emoji=False, markup=False)
    with console.capture() as capture:
        console.print(renderable)
    lines = (line.rstrip() for line in capture.get().splitlines())
    text = "\n".join(lines) + "\n"
    write(text if surface.unicode else ascii_only(text), None)


def check_writable(output: Path | None) -> None:
    """Refuse a hopeless output before minutes of reading rather than after."""
    reason = None if output is None else _obstacle(output)
    if reason is not None:
        raise UsageError(f"cannot write {output}: {reason}")


def warn(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"gradcheck: {safe(text)}\n")


def warn_unread(unread: Iterable[Unread]) -> None:
    """One line on stderr for each path that could not be judged; few for mere non-logs."""
    broken = [item for item in unread if item.broken]
    others = [item for item in unread if not item.broken]
    for item in broken + others[:MOST_NOT_LOGS]:
        sys.stderr.write(f"gradcheck: {safe(str(item.path))}: {safe(item.reason)}\n")
    if len(others) > MOST_NOT_LOGS:
        sys.stderr.write(f"gradcheck: {len(others) - MOST_NOT_LOGS} more files not judged\n")


def progress(done: Iterable[T], total: int) -> Iterator[T]:
    """What is done, with a bar on stderr while the rest takes long enough to notice."""
    if not sys.stderr.isatty():
        yield from done
        return
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import Progress  # noqa: PLC0415

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("reading logs", total=total)
    starter = threading.Timer(PATIENCE, bar.start)
    starter.daemon = True
    starter.start()
    try:
        for item in done:
            bar.advance(task)
            yield item
    finally:
        starter.cancel()
        starter.join()
        bar.stop()


def _obstacle(output: Path) -> str | None:
    """What keeps a file from being written, as far as one can tell without writing it."""
    directory = output.absolute().parent
    if output.is_dir():
        return "is a directory"
    if not directory.exists():
        return "its directory does not exist"
    if not directory.is_dir():
        return f"{directory} is no directory"
    if not os.access(output if output.exists() else directory, os.W_OK):
        return "permission denied"
    return None


def _write_file(text: str, output: Path) -> None:
    try:
        output.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror or error}") from error


def _shows_unicode(encoding: str | None) -> bool:
    try:
        _NEEDED.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
