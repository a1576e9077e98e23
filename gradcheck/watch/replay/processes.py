"""What forking needs of the system: whether it pays, OpenMP at rest, ends, and answers."""

# mypy: allow-untyped-calls
from __future__ import annotations

import ctypes
import json
import os
import random
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

PATIENCE = 120.0
"""Seconds that a replay may take, whatever it finds."""
_PAUSE_RESOURCE = 1
ENDING = 10.0
"""Seconds that the system may take to end a replay."""
Answer = Mapping[str, Any]


def why_not(growth: int) -> str | None:
    """Why this process cannot be forked with profit; None where it can.

    `growth` is what both processes will write, in bytes.
    """
    if not sys.platform.startswith("linux"):
        return "snapshots need Linux"
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return "a process that uses a GPU cannot be forked"
    among_others = communicates()
    if among_others is not None:
        return among_others
    if available_memory() < 3 * growth + (256 << 20):
        return "there is too little memory for a second copy of the training"
    return None


def communicates() -> str | None:
    """Why a process that needs others to go on cannot be run again; None where it is alone."""
    distributed = torch.distributed
    grouped = distributed.is_available() and distributed.is_initialized()
    several = os.environ.get("WORLD_SIZE", "1").strip()
    if grouped or (several.isdigit() and int(several) > 1):
        return "one of several communicating processes cannot be run again alone"
    return None


def available_memory() -> int:
    """Bytes that this process may still take, by the machine and by its control group."""
    free = 1 << 62
    try:
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) << 10
        limit = Path("/sys/fs/cgroup/memory.max").read_text("ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text("ascii").strip()
        if limit != "max":
            free = min(free, int(limit) - int(used))
    except (OSError, ValueError):
        return free
    return free


def pause_openmp() -> None:
    """Let OpenMP give its threads back: a fork would wait for them for ever."""
    for library in _openmp():
        library.omp_pause_resource_all(_PAUSE_RESOURCE)


_known_openmp: list[Any] | None = None


def _openmp() -> Sequence[Any]:
    global _known_openmp  # the maps are long, and read once
    if _known_openmp is None:
        maps = Path("/proc/self/maps").read_text("utf-8", errors="replace")
        files = {line.split(maxsplit=5)[-1] for line in maps.splitlines() if "omp" in line}
        found = [file for file in files if "libgomp" in file or "libiomp" in file]
        libraries = [ctypes.CDLL(file) for file in found]
        _known_openmp = [lib for lib in libraries if hasattr(lib, "omp_pause_resource_all")]
    return _known_openmp


def fork() -> int:
    """As `os.fork`, but the child's `random` goes on where the parent's stands.

    Python seeds it anew after a fork, which a copy of a training must not do.
    """
    state = random.getstate()
    pid = os.fork()
    if pid == 0:
        random.setstate(state)
    return pid


def kill_group(pid: int) -> None:
    """End a process and all that it started, where it leads a group of its own."""
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def kill(pid: int, channel: socket.socket, *, wait: bool = False) -> None:
    """End a process; with `wait`, until it is gone."""
    channel.close()
    try:
        os.kill(pid, signal.SIGKILL)
        if wait:
            os.waitpid(pid, 0)
        else:
            _dying.append(pid)  # giving back its memory takes it a while
    except (ProcessLookupError, ChildProcessError):
        return


_dying: list[int] = []


def reap() -> None:
    """Let those that were ended some time ago go."""
    for pid in list(_dying):
        try:
            done, _ = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            done = pid
        if done:
            _dying.remove(pid)


def read_line(channel: socket.socket) -> bytes:
    """One line; empty where the other side is gone."""
    data = b""
    while not data.endswith(b"\n"):
        piece = channel.recv(1)
        if not piece:
            return b""
        data += piece
    return data


def last_answer(channel: socket.socket, patience: float = PATIENCE) -> Answer | None:
    """The last answer of a replay before it ended; it is ended where it takes too long."""
    reading = _Reading(channel)
    try:
        reading.until(time.monotonic() + patience)
    finally:
        if reading.pid and not reading.over:  # too late, or we are interrupted
            kill_group(reading.pid)
            reading.until(time.monotonic() + ENDING)
    return reading.answer


class _Reading:
    """What comes from a process that carries out an order."""

    def __init__(self, channel: socket.socket) -> None:
        self.pid = 0
        self.over = False
        self.answer: Answer | None = None
        self._channel = channel
        self._data = b""

    def until(self, deadline: float) -> None:
        """Read until the replay is over, or it is too late."""
        while not self.over:
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._channel], [], [], left)
            if not ready:
                return
            piece = self._channel.recv(1 << 16)
            self.over = not piece
            *lines, self._data = (self._data + piece).split(b"\n")
            for line in lines:
                self._take(json.loads(line))

    def _take(self, said: Answer) -> None:
        if not said:
            self.over = True
        elif "pid" in said:
            self.pid = int(said["pid"])
        else:
            self.answer = said
