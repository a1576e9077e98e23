"""Gives the bytes of a log by position, so that what nobody needs is never read."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol


class ByteSource(Protocol):
    """Bytes that can be read at any position.

    Not a memory map: a file that is truncated while it is mapped kills the process.
    """

    @property
    def size(self) -> int:
        """How many bytes there were when the source was opened."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`; fewer than `length` only where the source ends."""

    def peek(self, length: int, offset: int) -> bytes:
        """The same for a few bytes, as fast as can be; perhaps fewer, even before the end."""


class SeekableFile:
    """A binary file object that can seek: bytes in memory, or a remote file read in ranges."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)

    def read(self, offset: int, length: int) -> bytes:
        """The bytes from `offset`; fewer than `length` only where the file ends."""
        self._file.seek(offset)
        data = self._file.read(length)
        while 0 < len(data) < length and (more := self._file.read(length - len(data))):
            data += more
        return data

    def peek(self, length: int, offset: int) -> bytes:
        """The bytes from `offset`; fewer than `length` only where the file ends."""
        return self.read(offset, length)


class _PositionalFile:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size
        self.peek = functools.partial(os.pread, descriptor)

    def read(self, offset: int, length: int) -> bytes:
        data = os.pread(self._descriptor, length, offset)
        while 0 < len(data) < length and (
            more := os.pread(self._descriptor, length - len(data), offset + len(data))
        ):
            data += more
        return data


@contextmanager
def opened(path: Path) -> Iterator[ByteSource]:
    """A file as a source.

    Raises:
        OSError: the file cannot be opened.
    """
    if not isinstance(path, Path):  # behind a URL
        with path.open("rb") as remote:
            yield SeekableFile(remote)
        return
    with path.open("rb", buffering=0) as file:
        if hasattr(os, "pread"):
            yield _PositionalFile(file.fileno())
        else:
            yield SeekableFile(file)  # Windows
