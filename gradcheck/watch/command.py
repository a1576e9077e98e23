"""The `watch` command: run the script watched, then report from its record as `analyze` would."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from gradcheck import diagnosis
from gradcheck.errors import UsageError
from gradcheck.gate import FINDINGS, FailOn, exit_code
from gradcheck.model import Report
from gradcheck.watch import launch, record
from gradcheck.watch.launch import Ending, Target
from gradcheck.watch.replay.rerun import Rerun
from gradcheck.watch.session import Session


@dataclass(frozen=True)
class Watched:
    """What came of it: how the script ended, and the report, if there was anything to judge."""

    ending: Ending
    report: Report
    directory: Path
    notes: tuple[str, ...] = ()

    def exit_code(self, fail_on: FailOn) -> int:
        """Findings come first, then the script's own code, then that there was nothing to judge."""
        judged = exit_code(self.report, fail_on)
        if judged == FINDINGS or (self.ending.stopped and fail_on is not FailOn.NEVER):
            return FINDINGS
        return self.ending.code or judged


def run(
    target: Target, directory: Path | None, *, keep_going: bool = False, replay: str = "auto"
) -> Watched:
    """Run a script or module under watch, to its end or to the step that would poison it.

    Raises:
        UsageError: there is no such script, or the record cannot be written.
    """
    launch.check(target)
    place = record.choose_directory(directory, Path(target.name).stem)
    try:
        session = Session(place, keep_going=keep_going, replay=replay, rerun=Rerun(target))
    except OSError as error:
        raise UsageError(f"cannot write the record {place}: {error.strerror or error}") from None
    session.start()
    ending = launch.run(target)
    session.finish(ending.error)
    remarks = tuple(_remarks(session))
    report = _judge(session)
    if not report.runs and directory is None:
        session.record.discard()
    return Watched(ending, report, shown(session.record.directory), remarks)


def shown(directory: Path) -> Path:
    """A directory as a user would type it here."""
    try:
        return directory.relative_to(Path.cwd())
    except (ValueError, OSError):
        return directory


def _judge(session: Session) -> Report:
    report = diagnosis.analyze(shown(session.record.directory))
    # an empty record is no log: it is told in a line of its own
    return replace(report, unread=())


def _remarks(session: Session) -> list[str]:
    """What to say where the record holds no step."""
    if session.rows:
        return []
    if not session.probe.optimizers.made:
        return ["no optimizer of torch's was made: there was no step to watch"]
    return ["no optimizer took a step: there was nothing to judge"]


def die_as_told(ending: Ending) -> None:
    """End by SIGINT where the script did, so that the shell sees the same."""
    if ending.code == 128 + signal.SIGINT and isinstance(ending.error, KeyboardInterrupt):
        sys.stdout.flush()
        sys.stderr.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
