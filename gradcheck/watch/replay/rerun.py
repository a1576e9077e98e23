"""Runs a watched script again from its start, in a fresh process."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradcheck
from gradcheck.watch.launch import Target
from gradcheck.watch.replay import birth, processes, scratch, serving
from gradcheck.watch.replay.processes import Answer

START = 60.0
"""Seconds that the fresh process may take to import torch."""
_SOURCE = """
import os, sys
sys.path[: 0 if getattr(sys.flags, "safe_path", False) else 1] = [{ours!r}]
from gradcheck.watch.replay.parent import die_with_parent
die_with_parent(parent={parent})
from gradcheck.watch.replay.fresh import serve
serve({channel}, {scratch!r})
"""


class Rerun:
    """The fresh process: started at the first order, it forks for each of them."""

    def __init__(self, target: Target) -> None:
        """Remember how the script is started; to be called before it is."""
        self.begun = time.perf_counter()
        self.since = birth.now()
        """When the script began, on the clock of the file system."""
        self._target = target
        self._environment = dict(os.environ)
        self._folder = Path.cwd()
        self._flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: Path | None = None

    @property
    def unavailable(self) -> str | None:
        """Why the script cannot be run again; None where it can."""
        if not sys.executable or not hasattr(os, "fork"):
            return "running a script again needs a system that forks"
        return processes.communicates()

    def run(self, tick: int, orders: Mapping[str, Any], *, patience: float) -> Answer | None:
        """Run the script again up to a tick; None where it did not answer in time.

        `patience` is for the script alone, in seconds: the fresh process has its own.
        """
        channel = self._start()
        if channel is None:
            return None
        target = self._target
        order = {
            "from": 0,
            **orders,
            "tick": tick,
            "since": self.since,
            "name": target.name,
            "arguments": list(target.arguments),
            "is_module": target.is_module,
        }
        assert self._scratch is not None
        with scratch.folder(self._scratch) as place:
            return serving.ask(channel, order, place, patience)

    def close(self) -> None:
        """End the fresh process, and with it whatever it runs."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(processes.ENDING)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._scratch is not None:
            scratch.remove(self._scratch)
            self._scratch = None

    def _start(self) -> socket.socket | None:
        """The channel to the fresh process; None where it does not come up."""
        if self._channel is not None:
            return self._channel
        ours, theirs = socket.socketpair()
        try:
            self._scratch = scratch.make()
            self._process = self._spawn(theirs)
        except OSError:
            self.close()
            return None
        finally:
            theirs.close()
        ready, _, _ = select.select([ours], [], [], START)
        if ready and processes.read_line(ours):
            self._channel = ours
            return ours
        ours.close()
        self.close()
        return None

    def _spawn(self, channel: socket.socket) -> subprocess.Popen[bytes]:
        source = _SOURCE.format(
            ours=str(Path(gradcheck.__file__).parents[1]),
            parent=os.getpid(),
            channel=channel.fileno(),
            scratch=str(self._scratch),
        )
        return subprocess.Popen(
            [sys.executable, *self._flags, "-c", source],
            cwd=self._folder,
            env=self._environment,
            pass_fds=[channel.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
