"""Runs commands as cold processes, in rounds, and records what each cost."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from tests.bench.points import Digest

ROOT = Path(__file__).parents[2]
_PAUSE = 0.004  # seconds between two looks at a process's memory


class Failed(Exception):
    """A command ended as it never should."""


@dataclass(frozen=True)
class Job:
    """A command to measure."""

    name: str
    command: tuple[str, ...]
    rounds: int
    truth: Digest | None = None
    """What a reader must find; None for a command that is no reader of `tests.bench.readers`."""
    share: float = 1.0
    """The part of the set's points that the command reads."""


class Cost(NamedTuple):
    """What one process, with the processes that it started, has used."""

    cpu: float
    """Seconds, user and system."""
    wall: float
    """Seconds."""
    peak: float
    """Resident memory at its highest, MB of 10^6 bytes, pages of mapped files included."""
    anonymous: float
    """Memory that belongs to no file, in the same MB; NaN where the system does not say."""
    exit_code: int
    said: Mapping[str, Any]
    """What a reader has printed."""


@dataclass(frozen=True)
class Result:
    """What a job cost over its rounds; nothing is known of the cost of one that crashed."""

    job: Job
    costs: tuple[Cost, ...]
    crash: str | None

    @property
    def cpu(self) -> float:
        """The least of the rounds; of a job that reads a share, projected to the whole."""
        return min((self._whole(cost.cpu, "cpu", cost) for cost in self.costs), default=math.nan)

    @property
    def wall(self) -> float:
        """Like `cpu`."""
        return min((self._whole(cost.wall, "wall", cost) for cost in self.costs), default=math.nan)

    @property
    def peak(self) -> float:
        """The most of the rounds."""
        return max((cost.peak for cost in self.costs), default=math.nan)

    @property
    def anonymous(self) -> float:
        """Like `peak`; NaN where the system does not say."""
        return max((cost.anonymous for cost in self.costs), default=math.nan)

    @property
    def points(self) -> int | None:
        """How many a reader has read; None if the job is not about points."""
        return next((cost.said["points"] for cost in self.costs if "points" in cost.said), None)

    @property
    def agrees(self) -> bool:
        """Whether a reader found, in every round, the points that it had to."""
        found = {
            Digest(cost.said["points"], cost.said["checksum"])
            for cost in self.costs
            if "points" in cost.said
        }
        return self.job.truth is None or (self.crash is None and found <= {self.job.truth})

    def _whole(self, seconds: float, clock: str, cost: Cost) -> float:
        if self.job.share == 1:
            return seconds
        reading: float = cost.said["reading"][clock]  # the rest is paid for once
        return seconds + reading * (1 / self.job.share - 1)


def interleaved(jobs: Sequence[Job], tell: Callable[[str], None]) -> list[Result]:
    """Measure jobs in rounds, in each of which another one begins; a crash ends a job's rounds."""
    costs: dict[str, list[Cost]] = {job.name: [] for job in jobs}
    crashes: dict[str, str] = {}
    for turn in range(max((job.rounds for job in jobs), default=0)):
        first = turn % len(jobs)
        for job in (*jobs[first:], *jobs[:first]):
            if turn >= job.rounds or job.name in crashes:
                continue
            try:
                cost = measure(job)
            except Failed as failure:
                crashes[job.name] = str(failure)
                tell(str(failure))
                continue
            costs[job.name].append(cost)
            tell(f"round {turn + 1}: {job.name}: {cost.cpu:.2f} s of CPU")
    return [Result(job, tuple(costs[job.name]), crashes.get(job.name)) for job in jobs]


def measure(job: Job) -> Cost:
    """Run the job's command once.

    Raises:
        Failed: it crashed.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(
            job.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=errors
        )
        watch = _Memory(process.pid)
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        while not pid:
            watch.look()
            time.sleep(_PAUSE)
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        # Findings are an answer too; what a reader says is only looked at if it ended well.
        if process.returncode not in ((0,) if job.truth else (0, 1)):
            raise Failed(f"{' '.join(job.command)}: exit code {process.returncode}\n{_end(errors)}")
        said = json.loads(_end(out).splitlines()[-1]) if job.truth else {}
    checking = said.get("checking", {"cpu": 0.0, "wall": 0.0})
    peak = watch.peak or usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    anonymous = watch.anonymous / 1e6 if watch.anonymous else math.nan
    cpu = usage.ru_utime + usage.ru_stime - checking["cpu"]
    return Cost(cpu, wall - checking["wall"], peak / 1e6, anonymous, process.returncode, said)


def _end(file: IO[bytes]) -> str:
    file.seek(max(0, file.seek(0, os.SEEK_END) - 4000))
    return file.read().decode(errors="replace")


class _Memory:
    """Follows the memory of a process and of its children through Linux's /proc.

    `wait4` would say more than is true: to it, a child begins at its parent's size.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._highest: dict[str, int] = {}
        self.anonymous = 0

    @property
    def peak(self) -> int:
        """Bytes: the highest marks of all the processes together, 0 if there is no /proc."""
        return sum(self._highest.values())

    def look(self) -> None:
        anonymous = 0
        for pid in (str(self._pid), *_text(f"/proc/{self._pid}/task/{self._pid}/children").split()):
            status = _text(f"/proc/{pid}/status")
            self._highest[pid] = max(_bytes(status, "VmHWM:"), self._highest.get(pid, 0))
            anonymous += _bytes(status, "RssAnon:")
        self.anonymous = max(self.anonymous, anonymous)


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _bytes(status: str, key: str) -> int:
    _, found, rest = status.partition(key)
    return 1024 * int(rest.split(maxsplit=1)[0]) if found else 0
