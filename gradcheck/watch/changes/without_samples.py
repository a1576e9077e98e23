"""The suspicious samples left out of every batch."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from gradcheck.watch.changes.base import Change

SHOWN = 16


class WithoutSamples(Change):
    """Samplers draw the suspicious dataset indices as before, and loaders never load them."""

    action = "Remove the bad samples from the data set"
    early = True

    def advice(self) -> str:
        """With their indices."""
        listed = ", ".join(map(str, self.trouble.samples[:SHOWN]))
        more = " …" if len(self.trouble.samples) > SHOWN else ""
        return f"{self.action}: dataset indices {listed}{more}"

    def index(self, index: Any) -> Any:
        """Leave them out; a batch of nothing else stays as it is."""
        if not isinstance(index, list):
            return index
        bad = set(self.trouble.samples)
        kept = [one for one in index if one not in bad]
        if not kept or len(kept) == len(index):
            return index
        self.acted += 1
        return kept


CHANGE = WithoutSamples
