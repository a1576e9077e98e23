"""The folders that hold what replays write, for as long as they run."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def make() -> Path:
    """A new folder for the folders of many replays; known to whoever has to remove it.

    Raises:
        OSError: there is no place for it.
    """
    return Path(tempfile.mkdtemp(prefix="gradcheck-replay-")).resolve()


@contextmanager
def folder(root: Path) -> Iterator[Path]:
    """A folder for one replay, gone afterwards with all that is in it."""
    made = Path(tempfile.mkdtemp(dir=root))
    try:
        yield made
    finally:
        remove(made)


def delivery(place: str) -> Path:
    """Where a replay puts what it was asked to hand over: it writes nowhere else."""
    made = Path(place) / "delivered"
    made.mkdir(exist_ok=True)
    return made


def deliver(place: Path, folder: str | None) -> None:
    """Move what a replay handed over into the folder that it was asked to bring it to."""
    made = place / "delivered"
    if folder is not None and made.is_dir():
        for file in made.iterdir():
            shutil.move(str(file), folder)


def remove(made: Path) -> None:
    """Take a folder away; whoever wrote to it has ended."""
    shutil.rmtree(made, ignore_errors=True)
