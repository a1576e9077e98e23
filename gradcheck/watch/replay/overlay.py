"""Where a replay finds its files: those that it wrote lie in a folder of its own, over the real."""

from __future__ import annotations

import _io
import errno
import os
import posix
import shutil
import stat
from collections.abc import Iterator
from typing import Any

from gradcheck.watch.replay import birth

# What is called here of `os` is called by the name `posix`: that of `os` leads back to here.

OUTSIDE = ("/proc/", "/sys/", "/dev/")
"""What is no file that anybody keeps."""
SHARED = "/dev/shm/"
TERMINAL, NOWHERE = "/dev/tty", "/dev/null"
MOST_COPIED = 1 << 30
"""Bytes of a file that is changed in place."""
_MOST_LINKS = 8

Name = Any
"""A path as functions of `os` take it: text, bytes or an object with `__fspath__`."""


class Overlay:
    """Maps paths to the files that stand for them; the real ones are only read."""

    def __init__(self, folder: str, since: float | None = None, *, hides: bool = False) -> None:
        """Written files lie in `folder`; what was made after `since` may be made again.

        With `hides` it is not even seen before.
        """
        self._root = folder + "/files"
        self.folder = folder
        self._since, self._hides = since, hides
        self._gone: set[str] = set()
        self._resolved: dict[str, str] = {}
        self._young: dict[str, bool] = {}
        self.here = posix.getcwd()
        """The working directory, by its real name."""
        posix.mkdir(self._root)

    # ---- names

    def name(self, path: Name, at: int | None = None) -> str:
        """The absolute path, with links in its directories resolved; `at` is a directory's fd."""
        text = os.fsdecode(path)
        base = self.here if at is None else self._real(posix.readlink(f"/proc/self/fd/{at}"))
        whole = os.path.normpath(text if text.startswith("/") else f"{base}/{text}")
        folder, _, last = self._real(whole).rpartition("/")
        return f"{self._directory(folder)}/{last}" if last else "/"

    def _real(self, path: str) -> str:
        """A path in our folder by the name it stands for."""
        return path[len(self._root) :] if path.startswith(self._root + "/") else path

    def _directory(self, folder: str) -> str:
        if not folder:
            return ""
        known = self._resolved.get(folder)
        if known is None:
            known = self._resolved[folder] = self._follow(folder)
        return known

    def _follow(self, folder: str) -> str:
        try:
            number = posix.open(folder, os.O_PATH)
        except OSError:
            above, _, last = folder.rpartition("/")
            return f"{self._directory(above)}/{last}"
        try:
            found = posix.readlink(f"/proc/self/fd/{number}")
        finally:
            posix.close(number)
        return "" if found == "/" else found

    # ---- what is there

    def reading(self, path: Name, at: int | None = None, *, follow: bool = True) -> str:
        """The file to read for a path; one that does not exist where the path does not."""
        name = self.name(path, at)
        for _ in range(_MOST_LINKS):
            found = self._file(name)
            if not (follow and found.startswith(self._root) and _is_link(found)):
                break
            name = self.name(os.path.join(os.path.dirname(name), posix.readlink(found)))  # noqa: PTH118, PTH120
        return found

    def _file(self, name: str) -> str:
        if self.is_outside(name):
            return NOWHERE if name == TERMINAL else name
        ours = self._root + name
        return ours if _exists(ours) or self._is_gone(name) else name

    def is_outside(self, name: str) -> bool:
        """Whether a path, as `name` gives it, is left alone."""
        outside = name.startswith((f"{self.folder}/", *OUTSIDE))
        return outside and not name.startswith(SHARED)

    def _is_gone(self, name: str) -> bool:
        while name:
            if name in self._gone or (self._hides and self._is_young(name)):
                return True
            name = name.rpartition("/")[0]
        return False

    def _is_young(self, name: str) -> bool:
        """Whether it was made by the steps that are now run again."""
        if self._since is None:
            return False
        if name not in self._young:
            born = birth.of(name)
            self._young[name] = born is not None and born >= self._since
        return self._young[name]

    def exists(self, path: Name, at: int | None = None) -> bool:
        """Whether there is anything by this name."""
        return _exists(self.reading(path, at, follow=False))

    def taken(self, path: Name, at: int | None = None) -> bool:
        """Whether nothing new can be made by this name."""
        found = self.reading(path, at, follow=False)
        return _exists(found) and (found.startswith(self.folder) or not self._is_young(found))

    # ---- what is changed

    def writing(self, path: Name, at: int | None = None, *, keep: bool = False) -> str:
        """The file to write for a path; with `keep`, what is in the real one is there as well."""
        name = self.name(path, at)
        if self.is_outside(name):
            return self._file(name)
        there = self.reading(path, at)
        ours = there if there.startswith(self._root) else self._root + self._target(name)
        self._make_room(self._real(ours))
        if keep and there != ours and _exists(there):
            self._copy(there, ours)
        return ours

    def _target(self, name: str) -> str:
        """A real file by its own name, where the path is a link to it."""
        if _is_link(name):
            return self.name(os.path.join(os.path.dirname(name), posix.readlink(name)))  # noqa: PTH118, PTH120
        return name

    def _make_room(self, name: str) -> None:
        """The directories above, as far as they are there for the replay."""
        above = name.rpartition("/")[0]
        if not above or _exists(self._root + above):
            return
        if not self._is_gone(above) and _is_directory(above):
            self._make_room(above)
            posix.mkdir(self._root + above)

    def _copy(self, real: str, ours: str) -> None:
        kind = posix.stat(real)
        if stat.S_ISDIR(kind.st_mode):
            posix.mkdir(ours)
            return
        if kind.st_size > MOST_COPIED:
            raise OSError(errno.EFBIG, "a replay does not copy a file of this size", real)
        with _io.open(real, "rb") as source, _io.open(ours, "wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)

    def remove(self, path: Name, at: int | None = None) -> None:
        """Let a file, a link or an empty directory be gone."""
        name = self.name(path, at)
        ours = self._root + name
        if _exists(ours):
            (posix.rmdir if _is_directory(ours) else posix.remove)(ours)
        self._gone.add(name)

    def move(self, source: str, target: str) -> None:
        """Let a file or a directory, by their names, be found under another name."""
        self._bring(source)
        self._make_room(target)
        posix.rename(self._root + source, self._root + target)
        self._gone.update((source, target))

    def _bring(self, name: str) -> None:
        """Copy what is real, with all that is in it."""
        if not _exists(self._root + name):
            self._make_room(name)
            self._copy(name, self._root + name)
        if _is_directory(self._root + name):
            for inner in self.names(name):
                self._bring(f"{name}/{inner}")

    def names(self, path: Name, at: int | None = None) -> Iterator[str]:
        """What is in a directory."""
        name = self.name(path, at)
        found = self.reading(path, at)
        ours = set(posix.listdir(found))
        if found.startswith(self._root) and not self._is_gone(name) and _is_directory(name):
            ours.update(posix.listdir(name))
        under = "" if name == "/" else name
        return (one for one in sorted(ours) if _exists(self._file(f"{under}/{one}")))

    def enter(self, path: Name) -> None:
        """Make a directory the working directory."""
        name = self.name(path)
        posix.chdir(self.reading(path))
        self.here = self._real(posix.getcwd()) if _exists(self._root + name) else posix.getcwd()


def _exists(path: str) -> bool:
    try:
        posix.lstat(path)
    except (OSError, ValueError):
        return False
    return True


def _is_link(path: str) -> bool:
    return _exists(path) and stat.S_ISLNK(posix.lstat(path).st_mode)


def _is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(posix.stat(path).st_mode)
    except (OSError, ValueError):
        return False
