"""An adversarial loss that runs away because its opponent has won."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.games import winner_and_loser
from gradcheck.model import Event, Kind, Run, Severity


def detect(run: Run) -> Iterator[Event]:
    """At most one event, from the row on which the loser's loss is above all of its first rows."""
    found = winner_and_loser(run)
    if found is None:
        return
    _, loser = found
    early = float(np.nanmax(np.abs(loser.value[: max(3, len(loser) // 8)])))
    low = np.flatnonzero(loser.value <= early)
    first = min(int(low[-1]) + 1 if len(low) else 0, len(loser) - 1)
    yield stretch_event(
        Kind.DIVERGENCE, Severity.WARNING, loser, (first, len(loser) - 1), recovered=False
    )
