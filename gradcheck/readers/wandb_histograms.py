"""Follows the objects in a W&B history that are no numbers: histograms above all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_NAMED = 3
_FEWEST = 3
# A histogram is missed when it stays away for longer than this many of its longest pauses.
_PAUSES = 2


@dataclass
class _Seen:
    is_histogram: bool
    row: int
    step: int
    times: int = 1
    pause: int = 0
    """The most rows from one to the next."""


class Histograms:
    """Counts the objects of a history by name, and sees which of them stop."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._row = 0
        self._step = 0

    def __len__(self) -> int:
        return len(self._seen)

    def begin_row(self, row: int, step: int) -> None:
        """Go on to this row of the history."""
        self._row, self._step = row, step

    def add(self, name: str, kind: object) -> None:
        """Note an object in the row; `kind` is the type that it gives itself."""
        seen = self._seen.get(name)
        if seen is None:
            self._seen[name] = _Seen(kind == "histogram", self._row, self._step)
            return
        seen.pause = max(seen.pause, self._row - seen.row)
        seen.row, seen.step, seen.times = self._row, self._step, seen.times + 1

    def notes(self) -> Iterator[str]:
        """What was passed over, and which histograms stop while the history goes on."""
        histograms = sum(seen.is_histogram for seen in self._seen.values())
        kinds = {"histogram": histograms, "other object": len(self._seen) - histograms}
        held = " and ".join(f"{n} {kind}{'s' * (n > 1)}" for kind, n in kinds.items() if n)
        if held:
            yield f"only numbers are read: {held} passed over"
        stopped = [name for name, seen in self._seen.items() if self._is_missed(seen)]
        if stopped:
            first = min(self._seen[name].step for name in stopped)
            names = ", ".join(sorted(stopped)[:_NAMED]) + ", …" * (len(stopped) > _NAMED)
            yield (
                f"no histogram of {names} after step {first}, while the log goes on to step"
                f" {self._step}: W&B leaves out a tensor that has no finite value"
            )

    def _is_missed(self, seen: _Seen) -> bool:
        missed = self._row - seen.row > _PAUSES * seen.pause
        return seen.is_histogram and seen.times >= _FEWEST and missed
