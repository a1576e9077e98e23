"""A process that waits for orders, and forks for each of them a process that carries it out."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from gradcheck.watch.replay import scratch
from gradcheck.watch.replay.parent import die_with_parent
from gradcheck.watch.replay.processes import Answer, fork, kill_group, last_answer, read_line

_end = os._exit  # the system's own, before anybody wraps it


def wait(channel: socket.socket, root: Path, forking: Callable[[bool], None]) -> Mapping[str, Any]:
    """Wait for orders; returns, with one of them, in the forks that are to carry them out.

    `forking` is told around each fork. This process itself ends with the other side of the
    channel or with its parent, and takes the running replay and `root`, the folder of all files
    of replays, with it.
    """
    waiting = _Waiting(root)
    usual = signal.signal(signal.SIGTERM, waiting.end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(signal.SIGTERM)
    here = os.getpid()
    while True:
        try:
            line = read_line(channel)
            if not line:
                waiting.end()
            order: dict[str, Any] = json.loads(line)
            forking(True)
            pid = fork()
            forking(False)
            if pid == 0:
                break
            waiting.watch(pid, channel)
        except Exception:  # the other side is gone: never go on with the training
            waiting.end()
    die_with_parent(parent=here)
    signal.signal(signal.SIGTERM, usual)
    os.setpgid(0, 0)  # whatever it starts can be ended with it
    return order


def ask(
    channel: socket.socket, order: Mapping[str, Any], place: Path, patience: float
) -> Answer | None:
    """Have a process that waits carry out an order, with its files in `place`.

    None where it is gone, or did not answer within `patience` seconds.
    """
    try:
        channel.sendall(json.dumps({**order, "scratch": str(place)}).encode() + b"\n")
        return last_answer(channel, patience)
    except OSError:
        return None


class _Waiting:
    """What must not outlive the process that waits."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._running = 0

    def watch(self, pid: int, channel: socket.socket) -> None:
        """Wait until the replay in this process is over, and say so."""
        self._running = pid
        channel.sendall(json.dumps({"pid": pid}).encode() + b"\n")
        os.waitpid(pid, 0)
        self._running = 0
        channel.sendall(b"{}\n")

    def end(self, number: int = 0, frame: FrameType | None = None) -> NoReturn:
        """End everything."""
        try:
            if self._running:
                with suppress(OSError):
                    kill_group(self._running)
                    os.waitpid(self._running, 0)
            scratch.remove(self._root)
        finally:
            _end(0)
