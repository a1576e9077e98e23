"""What a replay does that is only to hand its state over: it writes it down at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import state
from gradcheck.watch.replay.scratch import delivery

FILE = "state.pt"


class Keeping:
    """Writes the state of the snapshot for the folder that the order names."""

    def __init__(self, probe: Probe, tick: Callable[[], int]) -> None:
        self.probe = probe
        self._tick = tick
        self._scratch = ""

    def order(self, order: Mapping[str, Any]) -> None:
        """Where to write."""
        self._scratch = str(order["scratch"])

    def begin(self) -> None:
        """Nothing is looked at."""

    def boundary(self, step: Step) -> None:
        """No step is taken."""

    def passed(self) -> Mapping[str, Any]:
        """The snapshot is where it should be: write."""
        state.write(state.collect(self.probe, self._tick()), delivery(self._scratch) / FILE)
        return {}

    def arrive(self, followed: Followed, step: Step) -> Mapping[str, Any] | None:
        """No step is taken."""
        return {}

    def crash(self, error: BaseException | None) -> Mapping[str, Any]:
        """No step is taken."""
        return {}
