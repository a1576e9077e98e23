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
    tree = _Tree(directories)
    runs: dict[Path, list[Path]] = {}
    for directory in sorted(directories):
        owner = tree.owner(directory, root)
        runs.setdefault(owner, []).extend(sorted(directories[directory], key=_natural))
    return [Source(path, tuple(found)) for path, found in runs.items()]


def name_in_run(tag: str, part: Path) -> str:
    """The name of a tag from the sub-directory `part` of a run."""
    prefix = _scalars_prefix(tag)
    if part.name.startswith(prefix):
        return (part.parent / tag / part.name.removeprefix(prefix)).as_posix()
    # tensorboardX names the directory after the tag and the key, and repeats the tag in it.
    return (part if _ends_in(part.parent, tag) else part / tag).as_posix()


def _ends_in(directory: Path, tag: str) -> bool:
    parts = tuple(tag.split("/"))
    return directory.parts[-len(parts) :] == parts


def _natural(file: Path) -> list[tuple[int, str]]:
    return [(int(d or 0), text) for d, text in re.findall(r"(\d*)(\D*)", file.name)]


class _Tree:
    """The directories that hold event files, and what they hold first."""

    def __init__(self, directories: Mapping[Path, Sequence[Path]]) -> None:
        self._files = directories
        self._names: dict[Path, set[str]] = {}
        for directory in directories:
            self._names.setdefault(directory.parent, set()).add(directory.name.lower())

    def owner(self, directory: Path, root: Path) -> Path:
        """The run that a directory belongs to, which may be itself."""
        whole = None if directory == root else self._whole(directory)
        if whole is None:
            return directory
        return self.owner(whole, root) if whole in self._files else whole

    def _whole(self, directory: Path) -> Path | None:
        """The directory of which this one is a part, None if it stands for itself."""
        parent, name = directory.parent, directory.name.lower()
        siblings = self._names[parent]
        grouped = self._with_group(directory)
        if grouped is not None:
            return grouped
        if name in _TRAINING | _VALIDATION and siblings & _TRAINING and siblings & _VALIDATION:
            return parent
        if parent in self._files:
            beside = name in _BESIDE_OWN_EVENTS or _written_beside(name, self._head(directory))
            return parent if beside else None
        if name in _TRAINING:
            tags = self._head(directory).columns
            return parent if any(_KERAS_TAG.match(tag) for tag in tags) else None
        return None

    def _with_group(self, directory: Path) -> Path | None:
        """The run whose writer made the directory for one key of `add_scalars` (tensorboardX)."""
        parent = directory.parent
        if parent in self._files or self._files.keys().isdisjoint(parent.parents):
            return None
        (tag, *more) = self._head(directory).columns or [""]
        if more or not tag or not _ends_in(parent, tag):
            return None
        whole = directory.parents[len(tag.split("/"))]
        return whole if whole in self._files else None

    def _head(self, directory: Path) -> EventFile:
        with opened(self._files[directory][0]) as source:
            return read_events(source, head=_HEAD)


def _written_beside(name: str, head: EventFile) -> bool:
    """Whether torch's `add_scalars` or `add_hparams` made the directory for its parent's writer."""
    if head.hparams:
        return all(len(column.record) == 1 for column in head.columns.values())
    return len(head.columns) == 1 and name.startswith(
        _scalars_prefix(next(iter(head.columns))).lower()
    )


def _scalars_prefix(main_tag: str) -> str:
    return main_tag.replace("/", "_") + "_"
