"""Makes memory that a replay shares with other processes, or with files, its own."""

from __future__ import annotations

import ctypes
import os
import posix
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MOST_COPIED = 1 << 30
"""Bytes of memory without a name that are copied."""
_DEVICES = ("/dev/", "anon_inode:")
_ZERO, _SHARED_MEMORY = "/dev/zero", "/dev/shm/"
_READ_WRITE, _PRIVATE, _FIXED, _ANONYMOUS = 3, 0x2, 0x10, 0x20
_FAILED = ctypes.c_void_p(-1).value


@dataclass(frozen=True)
class Mapping:
    """A stretch of memory that a file stands behind."""

    begin: int
    size: int
    offset: int
    inode: int
    path: str


def separate() -> None:
    """Let later writes to shared memory stay in this process; what is in it stays.

    Raises:
        OSError: there is too much of it, or the system does not let us.
    """
    for mapping in list(_shared()):
        _separate(mapping)


def _separate(mapping: Mapping) -> None:
    with suppress(OSError):
        file = posix.open(mapping.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(file).st_ino == mapping.inode:
                _map(mapping, _PRIVATE | _FIXED, file, mapping.offset)
                return
        finally:
            posix.close(file)
    if mapping.size > MOST_COPIED:
        raise OSError("a replay does not copy so much shared memory")
    content = _read(mapping)
    _map(mapping, _PRIVATE | _FIXED | _ANONYMOUS, -1, 0)
    ctypes.memmove(mapping.begin, content, len(content))


def _map(mapping: Mapping, flags: int, file: int, offset: int) -> None:
    call = ctypes.CDLL(None, use_errno=True).mmap
    call.restype = ctypes.c_void_p
    call.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    if call(mapping.begin, mapping.size, _READ_WRITE, flags, file, offset) == _FAILED:
        raise OSError(ctypes.get_errno(), "shared memory cannot be made private")


def _read(mapping: Mapping) -> bytes:
    """What is in it, up to the end of its file: what lies behind cannot be read."""
    memory = posix.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    content = b""
    try:
        while len(content) < mapping.size:
            piece = os.pread(memory, mapping.size - len(content), mapping.begin + len(content))
            if not piece:
                break
            content += piece
    except OSError:
        return content
    finally:
        posix.close(memory)
    return content


def _shared() -> Iterator[Mapping]:
    for line in Path("/proc/self/maps").read_text("utf-8", errors="surrogateescape").splitlines():
        place, rights, offset, _, inode, *name = line.split(maxsplit=5)
        path = name[0] if name else ""
        device = path.startswith(_DEVICES) and not path.startswith((_ZERO, _SHARED_MEMORY))
        if rights.startswith("rw") and rights.endswith("s") and not device:
            begin, end = (int(one, 16) for one in place.split("-"))
            yield Mapping(begin, end - begin, int(offset, 16), int(inode), path)
