"""Keeps forked copies of the training, so that its failing step can be run again and looked at."""

# mypy: allow-untyped-calls
from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import statistics
import time
import warnings
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradcheck.watch.followed import Step
from gradcheck.watch.replay import birth, descriptors, queues, scratch, serving
from gradcheck.watch.replay.course import Course, Replayed
from gradcheck.watch.replay.processes import (
    PATIENCE,
    Answer,
    communicates,
    fork,
    kill,
    pause_openmp,
    reap,
    why_not,
)
from gradcheck.watch.replay.tape import Tape

SHARE = 0.007
"""Share of the time that snapshots may take."""
COPY_RATE = 0.3e9
"""Bytes of weights a second, about, until the step after a snapshot was measured once."""
FIRST_TICKS = 3  # before the first snapshot but that of the start: the first ones are slow

_end = os._exit  # the system's own, before anybody wraps it


@dataclass(frozen=True)
class Snapshot:
    """A process that waits at the end of a step."""

    tick: int
    pid: int
    channel: socket.socket


class Snapshots:
    """Takes snapshots between steps, as often as the budget allows, and runs them on demand."""

    def __init__(
        self,
        size: Callable[[], int],
        pace: Callable[[], float],
        tape: Tape,
        replays: Mapping[str, Replayed],
    ) -> None:
        self.tape = tape
        self.forking = False
        self.course: Course | None = None
        """In a replay, what is left of it."""
        self.unavailable: str | None = None
        """Why there are none."""
        self.fault: str | None = None
        """What ended a replay that should not have."""
        self.communicated: str | None = None
        """The same, where this process once was one of several."""
        self.ticks = 0
        """Optimizer steps of all optimizers so far."""
        self.taken = 0
        self.seconds = 0.0
        """Spent on forking."""
        self.copied = 0.0
        """Seconds by which the steps after a snapshot took longer: both processes copy."""
        self._replays = replays
        """What can be done in a replay, by the mode that an order names."""
        self._size, self._pace = size, pace
        self._kept: list[Snapshot] = []
        self._pinned: Snapshot | None = None
        self._extra: deque[float] = deque(maxlen=9)
        self._just_taken = False
        self._ended = time.perf_counter()
        self._next = FIRST_TICKS
        self._scratch: Path | None = None
        self._owner = os.getpid()

    # ---- in the training itself

    def start(self) -> None:
        """An optimizer was made: the first snapshot, or the moment at which a rerun begins."""
        if self.course is not None:
            self.course.advance(self.ticks)
        elif not self.taken:
            self._take()
            self._just_taken = False  # what follows is preparation, no step like others

    def boundary(self, step: Step) -> None:
        """A step is over."""
        self.ticks += 1
        now = time.perf_counter()
        if self._just_taken:  # both processes copied what this step wrote to
            self._extra.append(max(0.0, now - self._ended - self._pace()))
            self.copied += self._extra[-1]
            self._just_taken = False
        self._ended = now
        if self.course is not None:
            self.course.advance(self.ticks, step)
            return
        if self.ticks >= self._next:
            self._take()
            self._plan()
            self._ended = time.perf_counter()

    def _plan(self) -> None:
        """When the next one is due, so that they cost no more than their share."""
        copying = statistics.median(self._extra) if self._extra else self._size() / COPY_RATE
        cost = self.seconds / max(1, self.taken) + copying
        self._next = self.ticks + max(1, math.ceil(cost / (SHARE * self._pace())))

    def _take(self) -> None:
        if self.unavailable is None:
            self.unavailable = why_not(3 * self._size())
        if self.unavailable is not None:
            return
        begun = time.perf_counter()
        reap()
        pause_openmp()
        ours, theirs = socket.socketpair()
        self.forking = True
        try:
            self._scratch = self._scratch or scratch.make()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # it has threads: we know
                pid = fork()
        except OSError as error:
            self.unavailable = f"the system does not fork: {error.strerror}"
            return
        finally:
            self.forking = False
        if pid == 0:
            ours.close()
            self._wait_for_orders(theirs)
            return
        theirs.close()
        self._kept.append(Snapshot(self.ticks, pid, ours))
        while len(self._kept) > 4:  # the start stays, the one before trouble, the two newest
            old = [kept for kept in self._kept[1:-2] if kept is not self._pinned]
            kill(old[0].pid, old[0].channel)
            self._kept.remove(old[0])
        self.taken += 1
        self._just_taken = True
        self.seconds += time.perf_counter() - begun

    def rest(self) -> None:
        """The run waited: the time since its last step tells nothing of what copying costs."""
        self._just_taken, self._ended = False, time.perf_counter()

    def look_again(self) -> None:
        """Give all up where the process has found others to communicate with by now."""
        together = communicates()
        if together is not None:
            self.unavailable = self.communicated = together
            self.drop()

    def drop(self) -> None:
        """End all waiting processes."""
        if os.getpid() != self._owner:
            return
        for snapshot in self._kept:
            kill(snapshot.pid, snapshot.channel, wait=True)
        self._kept.clear()
        reap()
        if self._scratch is not None:
            scratch.remove(self._scratch)
            self._scratch = None

    def renew(self) -> None:
        """The run goes on otherwise than its snapshots would: take new ones."""
        self.drop()
        self._pinned, self._next = None, self.ticks

    def run(
        self,
        tick: int,
        orders: Mapping[str, Any],
        *,
        oldest: bool = False,
        upto: int | None = None,
        patience: float = PATIENCE,
    ) -> Answer | None:
        """Run the training again up to a tick, from the newest snapshot before it (or the first).

        `upto` is the last tick from which the replay may begin, the one before `tick` by default.
        None where there is no snapshot, or the replay did not answer in time.
        """
        fitting = self._fitting(tick, upto)
        if not fitting:
            return None
        snapshot = fitting[0] if oldest else fitting[-1]
        order = {"mode": "trace", "from": tick - 1, **orders, "tick": tick}
        assert self._scratch is not None  # it was made for the snapshot
        with scratch.folder(self._scratch) as place:
            tape = self.tape.save(place)
            order |= {"tape": str(tape) if tape else None}
            answer = serving.ask(snapshot.channel, order, place, patience)
            scratch.deliver(place, orders.get("folder"))
        self.fault = (answer or {}).get("fault", self.fault)
        return answer

    def _fitting(self, tick: int, upto: int | None) -> list[Snapshot]:
        begin = max(0, tick - 1) if upto is None else max(0, upto)
        return [kept for kept in self._kept if kept.tick <= begin] or [
            kept for kept in self._kept if kept.tick <= tick and upto is None
        ]

    def before(self, tick: int) -> int | None:
        """The tick of the newest snapshot from which a replay can reach this one."""
        fitting = self._fitting(tick, tick)
        return fitting[-1].tick if fitting else None

    def reaches(self, tick: int, from_start: bool) -> bool:
        """Whether a replay can show this tick; `from_start` allows the first snapshot for it."""
        kept = [snapshot.tick for snapshot in self._kept if snapshot.tick <= max(0, tick)]
        return bool(kept) and (from_start or max(kept) > 0)

    @property
    def newest(self) -> int:
        """The tick of the newest snapshot, 0 where there is none."""
        return max((snapshot.tick for snapshot in self._kept), default=0)

    def pin(self) -> None:
        """Keep the newest snapshot: trouble may have begun, and later ones come too late."""
        if not self.replaying and self._kept:
            self._pinned = self._kept[-1]

    # ---- in a snapshot

    def _wait_for_orders(self, channel: socket.socket) -> None:
        """Wait; every order is carried out by a fork of this process, which returns from here."""
        for other in self._kept:
            other.channel.close()
        assert self._scratch is not None
        since, offsets = birth.now(), descriptors.offsets()
        order = serving.wait(channel, self._scratch, self._set_forking)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of ours: a script may have made them errors
                self._begin_replay(order, channel, since, offsets)
        except BaseException as error:  # never go on as if this were the training itself
            told = {"reproduced": False, "fault": f"{type(error).__name__}: {error}"}
            with contextlib.suppress(OSError):
                channel.sendall(json.dumps(told).encode() + b"\n")
            _end(1)

    def _begin_replay(
        self,
        order: Mapping[str, Any],
        channel: socket.socket,
        since: float | None,
        offsets: Mapping[int, int],
    ) -> None:
        from gradcheck.watch.replay import contain  # noqa: PLC0415 - only a replay needs it

        place = contain.Place(Path(order["scratch"]), since, offsets=offsets)
        contain.contain(place, keep=channel.fileno())
        contain.load_in_process()
        queues.forget_readers()
        if order.get("tape"):
            self.tape.load(Path(order["tape"]))
        self.tape.in_process = True
        self.follow(order, channel)
        self.start()

    def _set_forking(self, forking: bool) -> None:
        self.forking = forking

    # ---- in a replay

    @property
    def replaying(self) -> bool:
        """Whether this process is a replay."""
        return self.course is not None

    def follow(self, order: Mapping[str, Any], channel: socket.socket) -> None:
        """From now on this process is the replay that an order asks for."""
        self.course = Course(order, self._replays[str(order["mode"])], channel)
