"""Processes that work through the cases, watched: one that hangs or dies is a finding itself."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from tests.fuzz import cases, judge
from tests.fuzz.judge import Outcome

_HUNG = 30.0
"""Seconds of wall time without a word; a case may take two seconds of CPU."""
_AT_ONCE = 25


class Work(NamedTuple):
    """The cases first, first + stride, … below the end."""

    seed: int
    kinds: tuple[str, ...]
    first: int
    end: int
    stride: int


def outcomes(work: Work) -> Iterator[tuple[int, Outcome]]:
    """The outcome of every case, in the order in which they come; `stride` processes work."""
    context = multiprocessing.get_context("spawn")
    started = [_Worker(context, work._replace(first=work.first + n)) for n in range(work.stride)]
    workers = [worker for worker in started if not worker.finished]
    try:
        while workers:
            ready = wait([worker.connection for worker in workers], timeout=1.0)
            for worker in list(workers):
                if worker.connection in ready:
                    yield from worker.receive()
                yield from worker.check()
                if worker.finished:
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.process.kill()


class _Worker:
    def __init__(self, context: Any, work: Work) -> None:
        self._context = context
        self._work = work
        self._start()

    def _start(self) -> None:
        self.finished = self._work.first >= self._work.end
        if self.finished:
            return
        self.connection, theirs = self._context.Pipe(duplex=False)
        self._current = self._context.RawValue("q", self._work.first)
        self.process = self._context.Process(
            target=_work, args=(self._work, theirs, self._current), daemon=True
        )
        self.process.start()
        theirs.close()
        self._heard, self._at, self._silent = time.monotonic(), -1, False

    def receive(self) -> Iterator[tuple[int, Outcome]]:
        """What the process has found since."""
        try:
            batch = self.connection.recv()
        except EOFError:
            self._silent = True
            self.process.join()
            return
        for number, outcome in batch:
            self._work = self._work._replace(first=number + self._work.stride)
            yield number, outcome

    def check(self) -> Iterator[tuple[int, Outcome]]:
        """Start again behind a case that the process did not survive."""
        number = int(self._current.value)
        if number != self._at:
            self._at, self._heard = number, time.monotonic()
        hung = time.monotonic() - self._heard > _HUNG
        if hung:
            self.process.kill()
            self.process.join()
        elif not self._silent:
            return
        if not hung and self.process.exitcode == 0:
            self.finished = True
            return
        what = f"hung for {_HUNG:.0f} s" if hung else f"died with code {self.process.exitcode}"
        case = cases.make(self._work.seed, number, self._work.kinds)
        # Cases that were judged and not yet told are judged again.
        yield number, Outcome(case.kind, 0.0, 0, f"the process {what}")
        self._work = self._work._replace(first=number + self._work.stride)
        self._start()


def _work(work: Work, connection: Connection, current: Any) -> None:
    judge.limit_memory()
    told: list[tuple[int, Outcome]] = []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(work.first, work.end, work.stride):
            current.value = number
            case = cases.make(work.seed, number, work.kinds)
            told.append((number, judge.judge(case, Path(directory))))
            if len(told) >= _AT_ONCE or told[-1][1].wrong:
                connection.send(told)
                told = []
        connection.send(told)
    connection.close()
