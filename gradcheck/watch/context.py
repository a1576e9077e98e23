"""`with gradcheck.watch():` for notebooks, and for loops inside a larger program."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType

from gradcheck import diagnosis, terminal
from gradcheck.model import RunReport
from gradcheck.reports import text
from gradcheck.watch import record
from gradcheck.watch.guard import Stop
from gradcheck.watch.manner import Manner
from gradcheck.watch.replay.wanted import Wanted
from gradcheck.watch.session import Session


class Watching:
    """Watches what runs within a `with` block; a step that would poison the weights ends it.

    `report` holds the diagnosis afterwards, None where no step was taken. Models that were made
    before the block are seen as well. With `replay`, the steps that failed are run again, with one
    thing changed at a time.
    """

    def __init__(
        self,
        record_directory: str | Path | None = None,
        *,
        keep_going: bool = False,
        replay: bool = True,
    ):
        wanted = None if record_directory is None else Path(record_directory)
        self.directory = record.choose_directory(wanted, "notebook")
        self.report: RunReport | None = None
        self._manner = Manner(keep_going=keep_going, replay=Wanted(replay))
        self._session: Session | None = None

    def __enter__(self) -> Watching:
        self._session = Session(self.directory, self._manner)
        self._session.probe.registry.add_living()
        self._session.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        assert self._session is not None
        stopped = isinstance(error, Stop)
        self._session.finish(None if stopped else error)
        report = diagnosis.analyze(self.directory)
        self.report = report.runs[0] if report.runs else None
        if self.report is not None and (stopped or self.report.severity is not None):
            canvas = terminal.canvas(None, sys.stderr)
            terminal.write(text.RENDERER.render(report, canvas), None, sys.stderr)
        return stopped
