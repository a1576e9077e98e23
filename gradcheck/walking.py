"""Finds the files behind the paths that a user named."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from pathlib import Path

from gradcheck.errors import UsageError
from gradcheck.model import Unread

_NEVER_LOGS = frozenset({"node_modules", "__pycache__", "site-packages"})


def expand(path: str | Path) -> list[Path]:
    """The file or directory of this name, or all that match where it is a pattern.

    Raises:
        UsageError: there is none.
    """
    if Path(path).exists():
        return [Path(path)]
    # Path.glob takes no absolute patterns.
    matches = sorted(glob.glob(os.fspath(path), recursive=True))  # noqa: PTH207
    if not matches:
        raise UsageError(f"no such file or directory: {path}")
    return [Path(match) for match in matches]


def walk(root: Path) -> Iterator[Path | Unread]:
    """All files below a directory, in a stable order, and the directories that cannot be opened."""
    unread: list[Unread] = []

    def note(error: OSError) -> None:
        unread.append(Unread(Path(error.filename), f"cannot be opened: {error.strerror}", True))

    seen: set[str] = set()
    for directory, below, files in os.walk(root, followlinks=True, onerror=note):
        seen.add(os.path.realpath(directory))
        below[:] = sorted(name for name in below if _is_worth_a_look(name))
        # Followed links may lead back up.
        below[:] = [name for name in below if _real(directory, name) not in seen]
        seen.update(_real(directory, name) for name in below)
        for name in sorted(files):
            if not name.startswith(".") and Path(directory, name).is_file():
                yield Path(directory, name)
    yield from unread


def _is_worth_a_look(name: str) -> bool:
    return not name.startswith(".") and name not in _NEVER_LOGS


def _real(directory: str, name: str) -> str:
    return os.path.realpath(Path(directory, name))
