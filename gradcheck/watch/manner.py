"""How a run is to be watched: what happens at a step that fails, and afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from gradcheck.watch.replay.wanted import Wanted


@dataclass(frozen=True)
class Manner:
    """The wishes of the command line, or of `gradcheck.watch`."""

    keep_going: bool = False
    """Skip a step that would poison the weights, and go on."""
    heal: bool = False
    """Go on from the last good state, with a change that held when it was tried."""
    replay: Wanted = field(default_factory=Wanted)
