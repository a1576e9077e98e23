"""Tells which JSON files are parts of one run, and which repeat one another."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gradcheck.readers.base import Source
from gradcheck.readers.csv_layout import is_split

TRAINER_STATE = "trainer_state.json"
EPOCH_FILE = re.compile(r"metrics_epoch_(?P<epoch>\d{1,9})\.json$")
"""AllenNLP writes one such file after each epoch."""
TAG_FILE = re.compile(r"(?P<run>run-.*?)-tag-(?P<tag>.+)\.json$")
"""TensorBoard's "Download JSON" keeps the name of the metric in the file name only."""
_CHECKPOINT = re.compile(r"(?:tmp-)?checkpoint-(\d{1,18})$")
_SAMPLE = 4096


def group_lines(files: Sequence[Path], root: Path) -> Iterable[Source]:
    """Sort files of JSON lines into runs: each is one, but for copies and splits of a directory."""
    if root.is_file():
        return [Source(root, (root,))]
    return [
        source
        for directory, inside in sorted(_by_place(files, lambda file: file.parent).items())
        for source in _of_directory(directory, inside)
    ]


def _of_directory(directory: Path, files: Sequence[Path]) -> list[Source]:
    copies: dict[tuple[int, bytes], list[Path]] = {}
    for file in files:
        copies.setdefault(_sample(file), []).append(file)
    originals = [same[0] for same in copies.values()]
    if len(originals) > 1 and is_split(originals):
        return [Source(directory, tuple(originals))]
    return [Source(same[0], tuple(same)) for same in copies.values()]


def _sample(file: Path) -> tuple[int, bytes]:
    """The size of a file, and its first and last bytes: mmengine writes each log twice."""
    try:
        with file.open("rb") as opened:
            head = opened.read(_SAMPLE)
            size = opened.seek(0, os.SEEK_END)
            opened.seek(max(size - _SAMPLE, 0))
            return size, head + opened.read(_SAMPLE)
    except OSError:
        return -1, os.fsencode(file)


def group_documents(files: Sequence[Path], root: Path) -> Iterable[Source]:
    """Sort documents into runs: checkpoints of one run, epochs of one run, tags of one run."""
    if root.is_file():
        return [Source(root, (root,))]
    return [
        Source(place if len(inside) > 1 else inside[0], tuple(sorted(inside, key=_newest_first)))
        for place, inside in sorted(_by_place(files, _place).items())
    ]


def _by_place(files: Iterable[Path], place: Callable[[Path], Path]) -> dict[Path, list[Path]]:
    places: dict[Path, list[Path]] = {}
    for file in sorted(files):
        places.setdefault(place(file), []).append(file)
    return places


def _place(file: Path) -> Path:
    """The run directory of a file that is one of several, else the file itself."""
    if file.name == TRAINER_STATE:
        return file.parent.parent if checkpoint_of(file) is not None else file.parent
    if EPOCH_FILE.match(file.name):
        return file.parent
    tagged = TAG_FILE.match(file.name)
    return file.parent / tagged["run"] if tagged else file


def checkpoint_of(file: Path) -> int | None:
    """The step of the checkpoint in whose directory a file lies, None outside of checkpoints."""
    found = _CHECKPOINT.match(file.parent.name)
    return int(found[1]) if found else None


def epoch_of(file: Path) -> int:
    """The epoch in the name of one of AllenNLP's files."""
    found = EPOCH_FILE.match(file.name)
    return int(found["epoch"]) if found else 0


def _newest_first(file: Path) -> tuple[float, str]:
    step = checkpoint_of(file)
    return -float("inf") if step is None else -float(step), file.name
