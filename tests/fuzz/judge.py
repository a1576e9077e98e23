"""Takes one case the real way in, and says what is wrong with what came out."""

from __future__ import annotations

import resource
import signal
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from gradcheck import diagnosis, finding, loading, plugins
from gradcheck.errors import GradcheckError, NotALog
from gradcheck.model import Report, Run
from gradcheck.readers.base import Reader
from gradcheck.reports import json as json_report
from gradcheck.reports import text as text_report
from gradcheck.reports.base import Canvas
from tests.fuzz import intact
from tests.fuzz.cases import Case
from tests.fuzz.seeds import Point

MOST_SECONDS = 2.0
MOST_BYTES = 2 << 30
WHOLE_WAY_EVERY = 50
_UNKNOWN = "not a log that gradcheck knows"
_UNNAMED = "no loss or gradient series"


class _TooSlow(BaseException):
    """Not to be caught by what is tested."""


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    kind: str
    seconds: float
    demanded: int
    wrong: str | None = None
    """What is wrong, None where nothing is."""


def limit_memory() -> None:
    """Let this process take no more than it may: a claimed length must not be believed."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))


@contextmanager
def _hurried() -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # nobody reads numpy's complaints
            yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)


def judge(case: Case, directory: Path) -> Outcome:
    """Read a case from a file in an empty directory."""
    data = case.rope.data()
    points = intact.demanded(case.kind, case.seed, case.rope, data)
    start = time.process_time()
    runs, wrong = read(case.seed.file, data, directory, case.number % WHOLE_WAY_EVERY == 0)
    seconds = time.process_time() - start
    if wrong is None:
        excused = runs is None and intact.head_is_touched(case.rope)
        lost = [] if excused else intact.missing(points, runs or ())
        wrong = _lost(lost, len(points), runs) if lost else None
    return Outcome(case.kind, seconds, len(points), wrong)


def read(
    name: str, data: bytes, directory: Path, whole_way: bool
) -> tuple[list[Run] | None, str | None]:
    """The runs in a file, None where no reader claims it; and what went wrong."""
    file = directory / name
    file.write_bytes(data)
    try:
        with _hurried():
            return _runs(file, whole_way), None
    except (Exception, _TooSlow) as error:
        what = f"slower than {MOST_SECONDS} s" if isinstance(error, _TooSlow) else repr(error)
        return [], f"{what[:300]}\n{_where(error)}"
    finally:
        file.unlink()


def _runs(file: Path, whole_way: bool) -> list[Run] | None:
    try:
        loaded = loading.collect([file])
    except GradcheckError:
        return []
    if whole_way:
        report = Report(tuple(map(diagnosis.diagnose, loaded.runs)), loaded.unread)
        json_report.RENDERER.render(report, Canvas())
        text_report.RENDERER.render(report, Canvas(unicode=False))
    if any(one.reason.startswith(_UNKNOWN) for one in loaded.unread):
        return None
    if any(one.reason.startswith(_UNNAMED) for one in loaded.unread):
        return _without_roles(file)
    return list(loaded.runs)


def _without_roles(file: Path) -> list[Run]:
    readers: dict[str, Reader] = plugins.collect("readers", "READER")
    with suppress(NotALog):
        return [readers[log.reader].read(log.source) for log in finding.find([file]).logs]
    return []


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/gradcheck/" in frame.filename] or frames
    shown = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in ours[-6:]]
    return " < ".join(reversed(shown))


def _lost(lost: list[Point], demanded: int, runs: list[Run] | None) -> str:
    if runs is None:
        why = "no reader claims the file"
    else:
        why = "; ".join(
            f"{len(run.series)} series, {run.points} points {list(run.notes)}" for run in runs
        )
    shown = ", ".join(map(str, lost[:3]))
    return f"lost {len(lost)} of {demanded} intact points: {shown}; read: {(why or 'no run')[:600]}"
