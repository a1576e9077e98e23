"""Turns the paths that a user named into runs with roles, and says what could not be read."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from gradcheck import merging, plugins, remote, walking
from gradcheck.errors import NoSuchSeries, NotALog, NothingToJudge, UsageError
from gradcheck.model import Role, Run, Unread
from gradcheck.readers import frameworks, roles
from gradcheck.readers.base import Candidate, Reader, Source

T = TypeVar("T")
_HEAD = 4096
_THREADS = min(8, os.cpu_count() or 1)
_JUDGED = frozenset({Role.LOSS, Role.VALIDATION_LOSS, Role.GRAD_NORM, Role.LAYER_GRAD_NORM})


@dataclass(frozen=True)
class Log:
    """A source and the name of the reader that can read it."""

    reader: str
    source: Source


@dataclass(frozen=True)
class Place:
    """The logs that are probably of one run, because they lie in one directory."""

    path: Path
    logs: tuple[Log, ...]


@dataclass(frozen=True)
class Findings:
    """What lies behind the paths that a user named."""

    places: tuple[Place, ...]
    unread: tuple[Unread, ...]


class Progress(Protocol):
    """Passes on what is done, and may show how much of it is still to come."""

    def __call__(self, done: Iterable[T], total: int) -> Iterable[T]:
        """The same items; there will be `total` of them."""


def quietly(done: Iterable[T], total: int) -> Iterable[T]:
    """Show nothing."""
    return done


@dataclass(frozen=True)
class Loaded:
    """The runs behind some paths, and what could not be read as a run."""

    runs: tuple[Run, ...]
    unread: tuple[Unread, ...]


def load(*paths: str | Path, overrides: Mapping[Role, str] | None = None) -> list[Run]:
    """Load every run found at the paths.

    Raises:
        UsageError: no path exists, an override names no series, or nothing could be read.
        NothingToJudge: there is no run with a loss or gradient series.
    """
    loaded = collect(paths, overrides)
    if loaded.runs:
        return list(loaded.runs)
    reasons = "; ".join(f"{one.path}: {one.reason}" for one in loaded.unread[:5])
    if any(one.broken for one in loaded.unread):
        raise UsageError(reasons)
    raise NothingToJudge(reasons or f"no training log found in {', '.join(map(str, paths))}")


def collect(
    paths: Iterable[str | Path],
    overrides: Mapping[Role, str] | None = None,
    progress: Progress = quietly,
) -> Loaded:
    """Find and read every run behind the paths; say of the rest why it could not be read.

    Raises:
        UsageError: none of the paths exists.
        NoSuchSeries: an override names a series that no run has.
    """
    found = find(paths)
    read_ones = [one for results in _read_all(found.places, overrides, progress) for one in results]
    runs = [one for one in read_ones if isinstance(one, Run)]
    refused = [one for one in read_ones if isinstance(one, NoSuchSeries)]
    if refused and not runs:
        raise refused[0]
    unread = [one for one in read_ones if isinstance(one, Unread)]
    unread += [Unread(error.path, error.reason) for error in refused]
    return Loaded(tuple(runs), (*found.unread, *unread))


def _read_all(
    places: Sequence[Place], overrides: Mapping[Role, str] | None, progress: Progress
) -> Iterator[Sequence[Run | Unread | NoSuchSeries]]:
    """Read places side by side: numpy and the disk leave Python's lock to the others."""
    if len(places) < 2:
        yield from progress((_attempt(place, overrides) for place in places), len(places))
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        done = pool.map(lambda place: _attempt(place, overrides), places)
        try:
            yield from progress(done, len(places))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _attempt(
    place: Place, overrides: Mapping[Role, str] | None
) -> Sequence[Run | Unread | NoSuchSeries]:
    """The runs of a place; the error instead where an override names no series of it."""
    try:
        return read(place, overrides)
    except NoSuchSeries as error:
        return [error]


def find(paths: Iterable[str | Path]) -> Findings:
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
    return Findings(tuple(_places(logs)), tuple(unread))


def _grouped(reader: Reader, files: Sequence[Path], root: Path) -> Iterable[Source] | Unread:
    try:
        with remote.failures(str(root)):
            return list(reader.group(files, root))
    except OSError as error:
        return _unreadable(root, error)


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


def _places(logs: Sequence[Log]) -> Iterator[Place]:
    directories: dict[Path, list[Log]] = {}
    for log in logs:
        directories.setdefault(_directory(log.source), []).append(log)
    for directory, inside in sorted(directories.items(), key=lambda one: str(one[0])):
        if len({log.reader for log in inside}) > 1:
            yield Place(directory, tuple(inside))
        else:
            yield from (Place(log.source.path, (log,)) for log in inside)


def _directory(source: Source) -> Path:
    return source.path if source.path.is_dir() else source.files[0].parent


def read(place: Place, overrides: Mapping[Role, str] | None = None) -> list[Run | Unread]:
    """Read the logs of a place: one run, or several where the logs do not agree.

    Raises:
        UsageError: an override names no series.
    """
    results = [_read(log) for log in place.logs]
    runs = merging.merge([result for result in results if isinstance(result, Run)])
    unread = [result for result in results if isinstance(result, Unread)]
    return [*(_with_roles(run, overrides or {}) for run in runs), *unread]


def _read(log: Log) -> Run | Unread:
    reader: Reader = plugins.collect("readers", "READER")[log.reader]
    try:
        with remote.failures(str(log.source.path)):
            return reader.read(log.source)
    except NotALog as error:
        return Unread(log.source.path, str(error), error.broken)
    except OSError as error:
        return _unreadable(log.source.path, error)


def _unreadable(path: Path, error: OSError) -> Unread:
    return Unread(path, f"cannot be read: {error.strerror or error}", broken=True)


def _with_roles(run: Run, overrides: Mapping[Role, str]) -> Run | Unread:
    named = roles.assign(run, overrides)
    if _JUDGED.isdisjoint(named.primary) and not run.messages:
        names = ", ".join([series.name for series in run.series][:8])
        more = ", …" if len(run.series) > 8 else ""
        reason = f"no loss or gradient series; series: {names}{more}; name one with --loss"
        return Unread(run.path, reason)
    return dataclasses.replace(named, framework=frameworks.recognise(named))
