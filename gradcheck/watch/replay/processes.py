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
_PR_SET_PDEATHSIG = 1
_PAUSE_RESOURCE = 1
Answer = Mapping[str, Any]


def why_not(growth: int) -> str | None:
    """Why this process cannot be forked with profit; None where it can.

    `growth` is what both processes will write, in bytes.
    """
    if not sys.platform.startswith("linux"):
        return "snapshots need Linux"
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return "a process that uses a GPU cannot be forked"
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return "one of several communicating processes cannot be run again alone"
    if available_memory() < 3 * growth + (256 << 20):
        return "there is too little memory for a second copy of the training"
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


def die_with_parent() -> None:
    """Have the system end this process when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


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
    deadline = time.monotonic() + patience
    pid, answer, data = 0, None, b""
    while True:
        left = deadline - time.monotonic()
        ready, _, _ = select.select([channel], [], [], max(0.0, left))
        if not ready:
            if not pid:
                return None
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + 10.0
            pid = 0
            continue
        piece = channel.recv(1 << 16)
        if not piece:
            return answer
        data += piece
        while b"\n" in data:
            line, _, data = data.partition(b"\n")
            said = json.loads(line)
            if not said:
                return answer
            if "pid" in said:
                pid = said["pid"]
            else:
                answer = said
