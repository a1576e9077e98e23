"""Turns the paths that a user named into runs with roles, and says what could not be read."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from gradcheck import finding, merging, plugins, remote
from gradcheck.errors import NoSuchSeries, NotALog, NothingToJudge, UsageError
from gradcheck.finding import Log, unreadable
from gradcheck.model import Lost, Role, Run, Unread
from gradcheck.readers import frameworks, roles
from gradcheck.readers.base import Reader
from gradcheck.readers.settings_files import settings_beside
from gradcheck.readers.watch_observations import with_observations

T = TypeVar("T")
_MOST_LOST = 3
_THREADS = min(8, os.cpu_count() or 1)
_JUDGED = frozenset({Role.LOSS, Role.VALIDATION_LOSS, Role.GRAD_NORM, Role.LAYER_GRAD_NORM})


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
    *,
    verify: bool = False,
) -> Loaded:
    """Find and read every run behind the paths; say of the rest why it could not be read.

    With `verify`, data is compared with its checksums, where the format has any.

    Raises:
        UsageError: none of the paths exists.
        NoSuchSeries: an override names a series that no run has.
    """
    found = finding.find(paths)
    results = list(_read_all(found.logs, progress, verify=verify))
    read_ones = [
        (log.directory, result)
        for log, result in zip(found.logs, results, strict=True)
        if isinstance(result, Run)
    ]
    unread = [result for result in results if isinstance(result, Unread)]
    runs: list[Run] = []
    refused: list[NoSuchSeries] = []
    for run in merging.merge(read_ones):
        named = _with_roles(run, overrides or {})
        if isinstance(named, Run):
            runs.append(named)
        elif isinstance(named, Unread):
            unread.append(named)
        else:
            refused.append(named)
    if refused and not runs:
        raise refused[0]
    unread += [Unread(error.path, error.reason) for error in refused]
    return Loaded(tuple(runs), (*found.unread, *unread))


def _read_all(logs: Sequence[Log], progress: Progress, *, verify: bool) -> Iterator[Run | Unread]:
    """Read logs side by side: numpy and the disk leave Python's lock to the others."""
    logs = [dataclasses.replace(log, verify=verify) for log in logs]
    if len(logs) < 2:
        yield from progress(map(_read, logs), len(logs))
        return
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            yield from progress(pool.map(_read, logs), len(logs))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _read(log: Log) -> Run | Unread:
    reader: Reader = plugins.collect("readers", "READER")[log.reader]
    try:
        with remote.failures(str(log.source.path)):
            run = reader.read(dataclasses.replace(log.source, verify=log.verify))
        settings: dict[str, object] = {}
        if not remote.is_remote(log.directory):
            settings = settings_beside(log.directory)
            run = with_observations(run, log.directory)
        return dataclasses.replace(
            run, hparams={**settings, **run.hparams}, notes=(*run.notes, *_damage(run.lost))
        )
    except NotALog as error:
        return Unread(log.source.path, str(error), error.broken)
    except OSError as error:
        return unreadable(log.source.path, error)


def _damage(lost: Sequence[Lost]) -> Iterator[str]:
    """What to say of lost bytes, however many ranges of them there are."""
    for one in lost[:_MOST_LOST]:
        yield f"{one.file}: bytes {one.first} to {one.stop} are damaged and were passed over"
    if len(lost) > _MOST_LOST:
        size = sum(one.stop - one.first for one in lost[_MOST_LOST:])
        yield f"{len(lost) - _MOST_LOST} more damaged places, {size} bytes in all, were passed over"


def _with_roles(run: Run, overrides: Mapping[Role, str]) -> Run | Unread | NoSuchSeries:
    try:
        named = roles.assign(run, overrides)
    except NoSuchSeries as error:
        return error
    if _JUDGED.isdisjoint(named.primary) and not run.messages:
        names = ", ".join([series.name for series in run.series][:8])
        more = ", …" if len(run.series) > 8 else ""
        reason = f"no loss or gradient series; series: {names}{more}; name one with --loss"
        return Unread(run.path, reason)
    return dataclasses.replace(named, framework=frameworks.recognise(named))
