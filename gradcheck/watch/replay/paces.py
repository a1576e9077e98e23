"""How many batches a loop draws from a loader before it needs them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Paces:
    """Batches that an iterator gave in its first interval between two steps, and in the next."""

    ticks: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def count(self, tick: int) -> None:
        """One more, in the step that is numbered `tick`."""
        if not self.ticks or self.ticks[-1] != tick:
            self.ticks.append(tick)
            self.counts.append(0)
            del self.ticks[3:], self.counts[3:]
        if self.ticks[-1] == tick:
            self.counts[-1] += 1

    @property
    def ahead(self) -> int | None:
        """How many batches are asked for before they are used; None where it is not known yet."""
        return max(0, self.counts[0] - self.counts[1]) if len(self.counts) > 1 else None
