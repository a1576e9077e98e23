"""Finds the files behind the paths that a user named."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from gradcheck import remote
from gradcheck.errors import UsageError
from gradcheck.model import Unread

_GONE = "no such file or directory"
_NEVER_LOGS = frozenset({"node_modules", "__pycache__", "site-packages"})


def expand(paths: Iterable[str | Path]) -> list[Path | Unread]:
    """The files and directories that the user named, patterns replaced by what they match.

    Raises:
        UsageError: none of them exists.
    """
    roots = [root for path in paths for root in _matches(path)]
    unread = [root for root in roots if isinstance(root, Unread)]
    if len(unread) == len(roots):
        raise UsageError("; ".join(f"{root.reason}: {root.path}" for root in unread))
    return roots


def _matches(path: str | Path) -> list[Path | Unread]:
    if remote.is_url(path):
        return _behind(str(path))
    try:
        if Path(path).exists():
            return [Path(path)]
    except OSError as error:
        return [Unread(Path(path), f"cannot be read: {error.strerror}", broken=True)]
    # Path.glob takes no absolute patterns.
    matches = sorted(glob.glob(os.fspath(path), recursive=True))  # noqa: PTH207
    return [Path(match) for match in matches] or [Unread(Path(path), _GONE, broken=True)]


def _behind(url: str) -> list[Path | Unread]:
    try:
        found: list[Path | Unread] = [*remote.matches(url)]
    except OSError as error:
        return [Unread(url, f"cannot be read: {error.strerror or error}", broken=True)]
    return found or [Unread(url, _GONE, broken=True)]


def walk(root: Path) -> Iterator[Path | Unread]:
    """All files below a directory, in a stable order, and the directories that cannot be opened."""
    if remote.is_remote(root):
        yield from _walk_remotely(root)
        return
    unread: list[Unread] = []

    def note(error: OSError) -> None:
        unread.append(Unread(Path(error.filename), f"cannot be opened: {error.strerror}", True))

    seen: set[str] = set()
    for directory, below, files in os.walk(root, followlinks=True, onerror=note):
        seen.add(os.path.realpath(directory))
        # What is both here and linked to, as W&B's `latest-run`, is known by its own name.
        below[:] = sorted(
            (name for name in below if _is_worth_a_look(name)),
            key=lambda name: (Path(directory, name).is_symlink(), name),
        )
        # Followed links may lead back up.
        below[:] = [name for name in below if _real(directory, name) not in seen]
        seen.update(_real(directory, name) for name in below)
        for name in sorted(files):
            if not name.startswith(".") and _may_be_read(Path(directory, name)):
                yield Path(directory, name)
    yield from unread


def _walk_remotely(root: Path) -> Iterator[Path | Unread]:
    try:
        for file in remote.walk(root):
            inner = file.relative_to(root).parts
            if all(_is_worth_a_look(name) for name in inner):
                yield file
    except OSError as error:
        yield Unread(root, f"cannot be opened: {error.strerror or error}", broken=True)


def _is_worth_a_look(name: str) -> bool:
    return not name.startswith(".") and name not in _NEVER_LOGS


def _may_be_read(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return True  # to be named as unreadable, not passed over


def _real(directory: str, name: str) -> str:
    return os.path.realpath(Path(directory, name))
