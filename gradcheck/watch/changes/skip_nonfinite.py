"""Every step that is not finite left out."""

# mypy: allow-untyped-calls
from __future__ import annotations

from gradcheck.watch.changes.base import Change
from gradcheck.watch.followed import Followed


class SkipNonfinite(Change):
    """Updates with a loss or gradient that is not finite are withheld, as a loss scaler does it."""

    action = "Skip every batch whose loss or gradient is not finite"
    snippet = (
        "if not torch.isfinite(loss):\n    optimizer.zero_grad(set_to_none=True)\n    continue"
    )

    def rescue(self, followed: Followed, tick: int) -> bool:
        """Whichever step it is."""
        self.acted += 1
        return True


CHANGE = SkipNonfinite
