"""Finds the logs behind the paths that a user named, without reading them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradcheck import plugins, remote, walking
from gradcheck.model import Unread
from gradcheck.readers.base import Candidate, Reader, Source

_HEAD = 4096


@dataclass(frozen=True)
class Log:
    """A source and the name of the reader that can read it."""

    reader: str
    source: Source
    verify: bool = False

    @property
    def directory(self) -> Path:
        """Where it lies."""
        path = self.source.path
        return path if path.is_dir() else self.source.files[0].parent


@dataclass(frozen=True)
class Found:
    """What lies behind the paths that a user named."""

    logs: tuple[Log, ...]
    unread: tuple[Unread, ...]


def find(paths: Iterable[str | Path]) -> Found:
    """Find the logs behind the paths, without reading them.

    Raises:
        UsageError: none of the paths exists.
    """
    readers: dict[str, Reader] = plugins.collect("readers", "READER")
    claimed: dict[tuple[str, Path], list[Path]] = {}
    unread: list[Unread] = []
    for file, root in _files(paths):
        claim = file if isinstance(file, Unread) else _claim(file, readers, named=file == root)
        if isinstance(claim, Unread):
            unread.append(claim)
        elif claim is not None and not isinstance(file, Unread):
            claimed.setdefault((claim, root), []).append(file)
    logs: list[Log] = []
    for (name, root), files in _pooled(claimed).items():
        found = _grouped(readers[name], files, root)
        if isinstance(found, Unread):
            unread.append(found)
        else:
            logs += (Log(name, source) for source in found)
    return Found(tuple(logs), tuple(unread))


def _grouped(reader: Reader, files: Sequence[Path], root: Path) -> Iterable[Source] | Unread:
    try:
        with remote.failures(str(root)):
            return list(reader.group(files, root))
    except OSError as error:
        return unreadable(root, error)


def _files(paths: Iterable[str | Path]) -> Iterator[tuple[Path | Unread, Path]]:
    """Every file behind the paths once, with the path that led to it."""
    seen: set[object] = set()
    for root in walking.expand(paths):
        if isinstance(root, Unread):
            yield root, Path()
            continue
        for file in walking.walk(root) if root.is_dir() else [root]:
            real: object = file.path if isinstance(file, Unread) else file.resolve()
            if real not in seen:
                seen.add(real)
                yield file, root


def _claim(file: Path, readers: Mapping[str, Reader], *, named: bool) -> str | Unread | None:
    """The reader that claims a file; why none does, if the user would want to know."""
    if named and not file.is_file():
        return Unread(file, "not a regular file")
    head, failure = _head(file)
    candidate = Candidate(file, head)
    reader = next((name for name, reader in readers.items() if reader.claims(candidate)), None)
    if failure is not None:
        return Unread(file, failure, broken=True) if reader or named else None
    if reader is None and named:
        return Unread(file, f"not a log that gradcheck knows: {file.suffix or file.name}")
    return reader


def _head(file: Path) -> tuple[bytes, str | None]:
    try:
        if remote.is_remote(file):
            return remote.head(file, _HEAD), None
        with file.open("rb") as opened:
            return opened.read(_HEAD), None
    except OSError as error:
        return b"", f"cannot be read: {error.strerror or error}"


def _pooled(claimed: Mapping[tuple[str, Path], list[Path]]) -> dict[tuple[str, Path], list[Path]]:
    """Treat files of one directory that the user named one by one like the directory."""
    singles = Counter((reader, root.parent) for reader, root in claimed if root.is_file())
    pooled: dict[tuple[str, Path], list[Path]] = {}
    for (reader, root), files in claimed.items():
        several = root.is_file() and singles[reader, root.parent] > 1
        pooled.setdefault((reader, root.parent if several else root), []).extend(files)
    return pooled


def unreadable(path: Path, error: OSError) -> Unread:
    """What to tell of a path that the system does not let us read."""
    return Unread(path, f"cannot be read: {error.strerror or error}", broken=True)
