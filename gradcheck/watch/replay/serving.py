"""A process that waits for orders, and forks for each of them a process that carries it out."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from gradcheck.watch.replay import scratch
from gradcheck.watch.replay.parent import die_with_parent
from gradcheck.watch.replay.processes import Answer, last_answer, read_line

_end = os._exit  # the system's own, before anybody wraps it


def wait(channel: socket.socket, forking: Callable[[bool], None]) -> Mapping[str, Any]:
    """Wait for orders; returns, with one of them, in the forks that are to carry them out.

    `forking` is told around each fork. This process itself ends with the other side of the
    channel or with its parent, and takes the running replay and its files with it.
    """
    waiting = _Waiting()
    usual = signal.signal(signal.SIGTERM, waiting.end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(signal.SIGTERM)
    here = os.getpid()
    while True:
        line = read_line(channel)
        if not line:
            waiting.end()
        order: dict[str, Any] = json.loads(line)
        waiting.scratch = Path(order["scratch"])
        forking(True)
        pid = os.fork()
        forking(False)
        if pid == 0:
            die_with_parent(parent=here)
            signal.signal(signal.SIGTERM, usual)
            os.setpgid(0, 0)  # whatever it starts can be ended with it
            return order
        waiting.running = pid
        channel.sendall(json.dumps({"pid": pid}).encode() + b"\n")
        os.waitpid(pid, 0)
        waiting.running = 0
        channel.sendall(b"{}\n")


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

    def __init__(self) -> None:
        self.running = 0
        self.scratch: Path | None = None

    def end(self, number: int = 0, frame: FrameType | None = None) -> NoReturn:
        try:
            if self.running:
                os.kill(self.running, signal.SIGKILL)
                os.waitpid(self.running, 0)
            if self.scratch is not None:
                scratch.remove(self.scratch)
        finally:
            _end(0)
