"""The entries of a directory, some of which lie elsewhere: what `os.scandir` gives of it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any


class Entry:
    """One of them; it asks `os` for what it is."""

    def __init__(self, folder: Any, name: str) -> None:
        self.name: Any = os.fsencode(name) if isinstance(folder, bytes) else name
        self.path: Any = os.path.join(os.fspath(folder), self.name)  # noqa: PTH118 - also bytes

    def __fspath__(self) -> Any:
        return self.path

    def __repr__(self) -> str:
        return f"<DirEntry {self.name!r}>"

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        """What the system knows of it."""
        return os.stat(  # noqa: PTH116 - also bytes
            self.path, follow_symlinks=follow_symlinks
        )

    def inode(self) -> int:
        """Its number on its device."""
        return self.stat(follow_symlinks=False).st_ino

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self._mode(follow=follow_symlinks))

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Whether it is a file."""
        return stat.S_ISREG(self._mode(follow=follow_symlinks))

    def is_symlink(self) -> bool:
        """Whether it is a link."""
        return stat.S_ISLNK(self._mode(follow=False))

    def is_junction(self) -> bool:
        """No file system of this kind of system has any."""
        return False

    def _mode(self, *, follow: bool) -> int:
        try:
            return self.stat(follow_symlinks=follow).st_mode
        except FileNotFoundError:
            return 0


class Entries:
    """An iterator that can be closed, as that of `os.scandir`."""

    def __init__(self, folder: Any, names: Sequence[str]) -> None:
        self._left: Iterator[Entry] = (Entry(folder, name) for name in names)

    def __iter__(self) -> Entries:
        return self

    def __next__(self) -> Entry:
        return next(self._left)

    def __enter__(self) -> Entries:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """There is nothing to give back."""
        self._left = iter(())
