"""Reads TensorBoard event files: those of a directory and of its parts make up one run."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gradcheck.errors import NotALog
from gradcheck.model import FloatArray, IntArray, Lost, Run, Series
from gradcheck.readers import event_layout
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.byte_source import opened
from gradcheck.readers.event_columns import Column
from gradcheck.readers.event_file import EventFile, read_events

SUMMARY = ".summary.gradcheck"
"""Ends the name of an event file that holds a diagnosis, and so is no part of a log."""
_COUNTS_EPOCHS = re.compile(r"(^|/)epoch_")  # Keras, unless asked to log batches
# Megatron logs every tag again over consumed samples and tokens.
_TWIN = re.compile(r"[ -]vs[ -](samples|tokens)")


class _EventFiles:
    def claims(self, candidate: Candidate) -> bool:
        name = candidate.path.name
        return "tfevents" in name and not name.endswith(SUMMARY)

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        return event_layout.group(files, root)

    def read(self, source: Source) -> Run:
        directories = [
            _read_directory(files, verify=source.verify) for files in _by_directory(source.files)
        ]
        ranks = _interleave([directory.walls for directory in directories])
        series = [
            _series(name, column, rank)
            for directory, rank in zip(directories, ranks, strict=True)
            for name, column in _named(directory, source.path)
        ]
        if not series:
            raise _nothing_in(directories)
        hparams = {k: v for directory in directories for k, v in directory.hparams.items()}
        return Run(
            source.path,
            "tensorboard",
            tuple(series),
            hparams=hparams,
            lost=tuple(lost for directory in directories for lost in directory.lost),
            unit="epoch" if all(_COUNTS_EPOCHS.search(one.name) for one in series) else "step",
            resumed_at=tuple(
                int(order)
                for directory, rank in zip(directories, ranks, strict=True)
                for order in _ranked(directory.resumed_at, rank)
            ),
        )


READER: Reader = _EventFiles()


@dataclass(frozen=True, eq=False)
class _Directory:
    """What the event files of one directory hold together."""

    path: Path
    columns: Mapping[str, Column]
    walls: FloatArray
    skipped: Mapping[str, int]
    hparams: Mapping[str, object]
    lost: tuple[Lost, ...]
    resumed_at: IntArray
    """The records with which the second and later files begin, empty ones left out."""


def _by_directory(files: Iterable[Path]) -> Iterator[list[Path]]:
    directories: dict[Path, list[Path]] = {}
    for file in files:
        directories.setdefault(file.parent, []).append(file)
    yield from directories.values()


def _read_directory(files: Sequence[Path], *, verify: bool) -> _Directory:
    contents = [_read_file(file, verify=verify) for file in files]
    pieces: dict[str, list[Column]] = {}
    offset = 0
    for content in contents:
        for tag, column in content.columns.items():
            pieces.setdefault(tag, []).append(_shifted(column, offset))
        offset += len(content.walls)
    walls = [content.walls for content in contents]
    return _Directory(
        path=files[0].parent,
        columns={tag: _joined(columns) for tag, columns in pieces.items() if not _TWIN.search(tag)},
        walls=walls[0] if len(walls) == 1 else np.concatenate(walls),
        skipped=sum((Counter(content.skipped) for content in contents), Counter()),
        hparams={k: v for content in contents for k, v in content.hparams.items()},
        lost=tuple(_lost(files, contents)),
        resumed_at=np.array([*_resumed_at(contents)], dtype=np.int64),
    )


def _read_file(file: Path, *, verify: bool) -> EventFile:
    with opened(file) as source:
        return read_events(source, verify=verify)


def _resumed_at(contents: Sequence[EventFile]) -> Iterator[int]:
    written, records = False, 0
    for content in contents:
        if content.columns and written:
            yield records + min(int(column.record[0]) for column in content.columns.values())
        written = written or bool(content.columns)
        records += len(content.walls)


def _shifted(column: Column, offset: int) -> Column:
    if offset == 0:
        return column
    return Column(column.record + offset, column.step, column.wall, column.value)


def _joined(columns: Sequence[Column]) -> Column:
    if len(columns) == 1:
        return columns[0]
    return Column(
        np.concatenate([column.record for column in columns]),
        np.concatenate([column.step for column in columns]),
        np.concatenate([column.wall for column in columns]),
        np.concatenate([column.value for column in columns]),
    )


def _lost(files: Sequence[Path], contents: Sequence[EventFile]) -> Iterator[Lost]:
    for file, content in zip(files, contents, strict=True):
        for first, stop in content.lost:
            yield Lost(file.name, first, stop)


def _interleave(streams: Sequence[FloatArray]) -> list[IntArray | None]:
    """Number the records of streams written side by side by their wall-clock time.

    A single stream keeps its order, even where its clock went back: None.
    """
    if len(streams) == 1:
        return [None]
    clocks = np.concatenate([np.maximum.accumulate(walls) for walls in streams])
    rank = np.empty(len(clocks), dtype=np.int64)
    rank[np.argsort(clocks, kind="stable")] = np.arange(len(clocks))
    return [*np.split(rank, np.cumsum([len(walls) for walls in streams])[:-1])]


def _ranked(record: IntArray, rank: IntArray | None) -> IntArray:
    return record if rank is None else rank[record]


def _named(directory: _Directory, run: Path) -> Iterator[tuple[str, Column]]:
    if directory.path == run or run.is_file():
        yield from directory.columns.items()
        return
    for tag, column in directory.columns.items():
        yield event_layout.name_in_run(tag, directory.path.relative_to(run)), column


def _series(name: str, column: Column, rank: IntArray | None) -> Series:
    order = _ranked(column.record, rank)
    return Series(name, order, column.step, column.value, column.wall)


def _nothing_in(directories: Sequence[_Directory]) -> NotALog:
    records = sum(len(directory.walls) for directory in directories)
    broken = any(directory.lost for directory in directories)
    kinds: Counter[str] = sum((Counter(d.skipped) for d in directories), Counter())
    if kinds:
        held = ", ".join(f"{n} {kind}{'s' * (n > 1)}" for kind, n in sorted(kinds.items()))
        return NotALog(f"no scalars in the event file, only {held}", broken=broken)
    if broken and not records:
        return NotALog("not a TensorBoard event file: no intact record in it", broken=True)
    return NotALog("no scalars in the event file" if records else "the event file is empty")
