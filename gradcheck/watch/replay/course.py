"""The way of a replay: from where it is looked at, up to which tick, and whom it answers."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.replay.processes import Answer

_end = os._exit  # the system's own, before anybody wraps it


class Replayed(Protocol):
    """What a replay does once it is there: look, and answer."""

    def order(self, order: Mapping[str, Any]) -> None: ...
    def begin(self) -> None: ...
    def boundary(self, step: Step) -> None: ...
    def passed(self) -> Answer: ...
    def arrive(self, followed: Followed, step: Step) -> Answer | None: ...
    def crash(self, error: BaseException | None) -> Answer: ...


class Course:
    """Leads a process that runs steps again through its order; the process ends by its answer."""

    def __init__(self, order: Mapping[str, Any], replay: Replayed, channel: socket.socket) -> None:
        self._last = int(order["tick"])
        self._from = int(order["from"])
        self._replay = replay
        self._channel = channel
        self._begun = False
        replay.order(order)

    def advance(self, ticks: int, step: Step | None = None) -> None:
        """So many ticks are over, the last of them with this step."""
        if self._begun and step is not None:
            self._replay.boundary(step)
        if ticks > self._last:
            self.answer({**self._replay.passed(), "reproduced": False})
        if ticks >= self._from and not self._begun:
            self._begun = True
            self._replay.begin()

    def arrive(self, followed: Followed, step: Step) -> None:
        """The replay met something that is not finite: is it what it was sent for?"""
        found = self._replay.arrive(followed, step) if self._begun else None
        if found is not None:
            self.answer({**found, "reproduced": True})

    def end(self, error: BaseException | None) -> NoReturn:
        """The script ended within the replay, by an error or because it was done."""
        try:
            self.answer({**self._replay.crash(error), "reproduced": error is not None})
        finally:
            _end(1)  # whatever went wrong: a replay never goes on where the run would

    def answer(self, answer: Answer) -> NoReturn:
        """Send what was found, and end."""
        try:
            self._channel.sendall(json.dumps(answer).encode() + b"\n")
        finally:
            _end(0)
