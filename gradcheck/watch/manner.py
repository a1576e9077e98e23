"""How a run is to be watched: what happens at a step that fails, and afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gradcheck.watch.capture import files, saving
from gradcheck.watch.capture.files import Capture
from gradcheck.watch.replay.wanted import Wanted


@dataclass(frozen=True)
class Steps:
    """What the user wants of captures: where to put one, and which to begin with."""

    capture: bool = False
    directory: Path | None = None
    """None: within the record."""
    begin: Path | None = None

    def read(self) -> Capture | None:
        """The capture to begin with, if any.

        Raises:
            UsageError: it is damaged, or another is to go where it cannot.
        """
        if self.directory is not None:
            saving.check(self.directory)
        return files.read(self.begin) if self.begin is not None else None


@dataclass(frozen=True)
class Manner:
    """The wishes of the command line, or of `gradcheck.watch`."""

    keep_going: bool = False
    """Skip a step that would poison the weights, and go on."""
    heal: bool = False
    """Go on from the last good state, with a change that held when it was tried."""
    replay: Wanted = field(default_factory=Wanted)
    steps: Steps = field(default_factory=Steps)
