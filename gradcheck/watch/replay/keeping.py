"""What a replay does that is only to hand its state over: it writes it down at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import state


class Keeping:
    """Writes the state of the snapshot to the file that the order names."""

    def __init__(self, probe: Probe, tick: Callable[[], int]) -> None:
        self.probe = probe
        self._tick = tick
        self._file = ""

    def order(self, order: Mapping[str, Any]) -> None:
        """Where to write."""
        self._file = str(order["file"])

    def begin(self) -> None:
        """Nothing is looked at."""

    def boundary(self, step: Step) -> None:
        """No step is taken."""

    def passed(self) -> Mapping[str, Any]:
        """The snapshot is where it should be: write."""
        state.write(state.collect(self.probe, self._tick()), Path(self._file))
        return {}

    def arrive(self, followed: Followed, step: Step) -> Mapping[str, Any] | None:
        """No step is taken."""
        return {}

    def crash(self, error: BaseException | None) -> Mapping[str, Any]:
        """No step is taken."""
        return {}
