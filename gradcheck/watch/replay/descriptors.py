"""Makes the descriptors of a replay its own: none of them leads to what the training writes."""

from __future__ import annotations

import os
import posix
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from gradcheck.watch.replay.overlay import MOST_COPIED, Overlay

STANDARD = 2
"""The last of stdin, stdout and stderr."""
Offsets = Mapping[int, int]
"""Where a process stood in its open files, by descriptor."""


def offsets() -> Offsets:
    """Where this process stands: it shares that with the one it was forked from."""
    found = {}
    for number, kind in _open():
        if stat.S_ISREG(kind.st_mode):
            found[number] = os.lseek(number, 0, os.SEEK_CUR)
    return found


def leads_out(ours: Path) -> str | None:
    """What is open here that a rollback would write to; None where there is nothing.

    The standard streams do not count, nor what lies beneath `ours`.
    """
    for number, kind in _open():
        if number <= STANDARD or _flags(number) & os.O_ACCMODE == os.O_RDONLY:
            continue
        name = posix.readlink(f"/proc/self/fd/{number}")
        if stat.S_ISREG(kind.st_mode) and not name.startswith((f"{ours}/", "/dev/", "/memfd:")):
            return name
        if stat.S_ISSOCK(kind.st_mode):
            return "a connection"
    return None


def separate(overlay: Overlay, known: Offsets, keep: Collection[int]) -> None:
    """Open files anew, those for writing as copies, and cut what leads to other processes."""
    nowhere = posix.open(os.devnull, os.O_RDWR)
    for number, kind in _open():
        if number in keep or number == nowhere:
            continue
        try:
            own = _own(overlay, number, kind, known.get(number))
        except OSError:
            own = nowhere
        if own != number:
            os.dup2(own, number, inheritable=number <= STANDARD)
        if own not in (number, nowhere):
            posix.close(own)


def _own(overlay: Overlay, number: int, kind: os.stat_result, offset: int | None) -> int:
    """A descriptor to put in the place of one; the same where it can stay, -1 never."""
    flags = _flags(number)
    writes = flags & os.O_ACCMODE != os.O_RDONLY
    if stat.S_ISREG(kind.st_mode):
        if 0 < number <= STANDARD:
            raise OSError
        return _file(overlay, number, kind, flags, offset)
    if number <= STANDARD or (writes and stat.S_ISSOCK(kind.st_mode)):
        raise OSError
    return number


def _file(
    overlay: Overlay, number: int, kind: os.stat_result, flags: int, offset: int | None
) -> int:
    writes = flags & os.O_ACCMODE != os.O_RDONLY
    path = f"/proc/self/fd/{number}"
    if writes:
        real = posix.readlink(path)
        if not kind.st_nlink or kind.st_size > MOST_COPIED or not _same(real, kind):
            raise OSError
        path = overlay.writing(real, keep=True)
    own = posix.open(path, flags & ~(os.O_CREAT | os.O_EXCL | os.O_TRUNC) | os.O_CLOEXEC)
    os.lseek(own, os.lseek(number, 0, os.SEEK_CUR) if offset is None else offset, os.SEEK_SET)
    return own


def _same(path: str, kind: os.stat_result) -> bool:
    found = posix.stat(path)
    return (found.st_dev, found.st_ino) == (kind.st_dev, kind.st_ino)


def _open() -> Iterator[tuple[int, os.stat_result]]:
    for name in posix.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing itself
            yield int(name), os.fstat(int(name))


def _flags(number: int) -> int:
    for line in Path(f"/proc/self/fdinfo/{number}").read_text("ascii").splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8)
    return os.O_RDONLY
