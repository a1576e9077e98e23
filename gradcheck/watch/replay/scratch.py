"""The folder that holds what a replay writes, for as long as it runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder, gone afterwards with all that is in it."""
    made = Path(tempfile.mkdtemp(prefix="gradcheck-replay-")).resolve()
    try:
        yield made
    finally:
        remove(made)


def remove(made: Path) -> None:
    """Take it away; whoever wrote to it has ended."""
    shutil.rmtree(made, ignore_errors=True)
