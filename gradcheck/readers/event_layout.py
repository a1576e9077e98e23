"""Tells which directories of event files are parts of one run, and names their series in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gradcheck.readers.base import Source
from gradcheck.readers.byte_source import opened
from gradcheck.readers.event_file import EventFile, read_events

_TRAINING = frozenset({"train", "training", "train_inner"})
_VALIDATION = frozenset({"validation", "val", "valid", "eval", "test"})
# TensorFlow's Estimator writes the training events into the run's own directory.
_BESIDE_OWN_EVENTS = _VALIDATION - {"test"}
_KERAS_TAG = re.compile(r"(epoch|batch)_")
_HEAD = 1 << 16


def group(files: Iterable[Path], root: Path) -> list[Source]:
    """Sort event files into runs; several files of a directory follow one another by name."""
    directories: dict[Path, list[Path]] = {}
    for file in files:
        directories.setdefault(file.parent, []).append(file)
    if root.is_file():
        return [Source(root, tuple(sorted(directories[root.parent])))]
    runs: dict[Path, list[Path]] = {}
    for directory in sorted(directories):
        owner = _owner(directory, directories, root)
        runs.setdefault(owner, []).extend(sorted(directories[directory], key=_natural))
    return [Source(path, tuple(found)) for path, found in runs.items()]


def name_in_run(tag: str, part: Path) -> str:
    """The name of a tag from the sub-directory `part` of a run."""
    prefix = _scalars_prefix(tag)
    if part.name.startswith(prefix):
        return (part.parent / tag / part.name.removeprefix(prefix)).as_posix()
    return (part / tag).as_posix()


def _natural(file: Path) -> list[tuple[int, str]]:
    return [(int(d or 0), text) for d, text in re.findall(r"(\d*)(\D*)", file.name)]


def _owner(directory: Path, directories: Mapping[Path, Sequence[Path]], root: Path) -> Path:
    parent = directory.parent
    if directory == root or not _is_part(directory, directories):
        return directory
    return _owner(parent, directories, root) if parent in directories else parent


def _is_part(directory: Path, directories: Mapping[Path, Sequence[Path]]) -> bool:
    parent, name = directory.parent, directory.name.lower()
    siblings = {other.name.lower() for other in directories if other.parent == parent}
    if name in _TRAINING | _VALIDATION and siblings & _TRAINING and siblings & _VALIDATION:
        return True
    head = _head(directories[directory][0])
    if parent in directories:
        return name in _BESIDE_OWN_EVENTS or _written_beside(directory.name, head)
    return name in _TRAINING and any(_KERAS_TAG.match(tag) for tag in head.columns)


def _written_beside(name: str, head: EventFile) -> bool:
    """Whether torch's `add_scalars` or `add_hparams` made the directory for its parent's writer."""
    if head.hparams:
        return all(len(column.record) == 1 for column in head.columns.values())
    return len(head.columns) == 1 and name.startswith(_scalars_prefix(next(iter(head.columns))))


def _scalars_prefix(main_tag: str) -> str:
    return main_tag.replace("/", "_") + "_"


def _head(file: Path) -> EventFile:
    with opened(file) as source:
        return read_events(source, head=_HEAD)
