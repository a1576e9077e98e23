"""The `watch` command: run the script watched, then report from its record as `analyze` would."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from gradcheck import judging
from gradcheck.configuration.settings import Settings
from gradcheck.errors import UsageError
from gradcheck.gate import FINDINGS, FailOn, exit_code
from gradcheck.model import Report
from gradcheck.watch import launch, record
from gradcheck.watch.capture.files import Capture
from gradcheck.watch.capture.resuming import Resuming
from gradcheck.watch.launch import Ending, Target
from gradcheck.watch.manner import Manner, Steps
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
        stopped = self.ending.stopped and not _all_accepted(self.report)
        if judged == FINDINGS or (stopped and fail_on is not FailOn.NEVER):
            return FINDINGS
        return self.ending.code or judged


def run(
    target: Target,
    directory: Path | None,
    manner: Manner | None = None,
    settings: Settings | None = None,
) -> Watched:
    """Run a script or module under watch, to its end or to the step that would poison it.

    Raises:
        UsageError: there is no such script, the record cannot be written, or a capture does not
            fit the script.
    """
    launch.check(target)
    manner = manner or Manner()
    steps = manner.steps
    begin = steps.read()
    place = record.choose_directory(directory, Path(target.name).stem)
    try:
        session = Session(place, manner, Rerun(target))
    except OSError as error:
        raise UsageError(f"cannot write the record {place}: {error.strerror or error}") from None
    _prepare(session, target, steps, begin)
    session.start()
    ending = launch.run(target)
    session.finish(ending.error)
    _refuse_misfit(session, directory)
    if session.stopped:  # the loop may have ended within a trial, by an error of its own
        ending = Ending(0, stopped=True)
    report = _judge(session, settings or Settings())
    remarks = _remarks(session)
    if ending.stopped and _all_accepted(report):
        remarks.append("stopped by what is accepted: the rest did not run; see --keep-going")
    if not report.runs and directory is None:
        session.record.discard()
    return Watched(ending, report, shown(session.record.directory), tuple(remarks))


def _all_accepted(report: Report) -> bool:
    """Whether there are findings, and the project accepts every one."""
    accepted = [finding.accepted for run in report.runs for finding in run.findings]
    return bool(accepted) and all(accepted)


def _prepare(session: Session, target: Target, steps: Steps, begin: Capture | None) -> None:
    if steps.capture:
        command = ["-m"] * target.is_module + [target.name, *target.arguments]
        session.capturing.want(steps.directory or session.record.directory / "capture", command)
    if begin is not None:
        session.resuming = Resuming(session, begin, str(steps.begin))
        session.probe.loading.resuming = session.resuming


def _refuse_misfit(session: Session, directory: Path | None) -> None:
    refused = session.resuming.refused if session.resuming is not None else None
    if refused is not None:
        if directory is None:
            session.record.discard()
        raise UsageError(refused)


def shown(directory: Path) -> Path:
    """A directory as a user would type it here."""
    try:
        return directory.relative_to(Path.cwd())
    except (ValueError, OSError):
        return directory


def _judge(session: Session, settings: Settings) -> Report:
    # names of series and baselines are those of other logs, not of the record
    own = replace(settings, roles={}, baselines=())
    report = judging.judge([shown(session.record.directory)], own)
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
