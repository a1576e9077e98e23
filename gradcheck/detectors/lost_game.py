"""An adversarial loss that runs away: its opponent has won, or nothing bounds the critic."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.measure.events import stretch_event
from gradcheck.measure.games import never_a_game, runaway_critic, winner_and_loser
from gradcheck.measure.robust import finite, level
from gradcheck.model import Event, Kind, Run, Series, Severity

PLAYED = 0.1
"""Share of the loss at the end below which a game was still played."""


def detect(run: Run) -> Iterator[Event]:
    """At most one event, from the row on which the loss is beyond all of its first rows.

    From the first row, or nearly, where it was no better than that.
    """
    found = winner_and_loser(run)
    series = found[1] if found is not None else runaway_critic(run)
    if series is None:
        return
    begun = found is not None and never_a_game(*found)
    rows = (_first_there(series) if begun else _first_beyond(series), len(series) - 1)
    yield stretch_event(Kind.DIVERGENCE, Severity.WARNING, series, rows, recovered=False)


def _first_there(series: Series) -> int:
    """The row from which it has been where it ended, or nearly: the first one but in short logs."""
    size = np.abs(series.value)
    known = np.abs(finite(series.value))
    played = np.flatnonzero(size < PLAYED * level(known[-len(known) // 4 :]))
    return int(played[-1]) + 1 if len(played) else 0


def _first_beyond(series: Series) -> int:
    size = np.abs(series.value)
    near = np.flatnonzero(size <= float(np.nanmax(size[: max(3, len(series) // 8)])))
    return min(int(near[-1]) + 1 if len(near) else 0, len(series) - 1)
