"""Reads files of nothing but numbers, a step and values on each line, as a last resort.

Any data looks so: such a file is read where its name speaks of a loss, or the user named the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Role, Run
from gradcheck.readers import role_names
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.table import TableBuilder
from gradcheck.readers.table_run import run_of
from gradcheck.readers.text_log import lies_beside_logs

_FULL = 4096
_FEWEST = 3
_MOST_COLUMNS = 9
_TABLES = frozenset({".csv", ".tsv"})
_TEXTS = frozenset({".log", ".txt", ".out", ".dat", ""})
_HINTED = _TABLES | {".log", ".txt", ".out"}
_LONGEST = 500
_NUMBER = r"[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|nan|inf(?:inity)?)"
_NEXT = r"(?:\s*[,;]\s*|\s+)"
_ROW = re.compile(
    rf"\s*(?P<step>\d{{1,18}})(?:(?P<colon>\s*:\s*)|{_NEXT})"
    rf"(?P<values>{_NUMBER}(?:{_NEXT}{_NUMBER})*)\s*[,;]?\s*$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(_NEXT)
_TOLD = frozenset({Role.LOSS, Role.VALIDATION_LOSS, Role.GRAD_NORM})


@dataclass(frozen=True)
class _Unasked(Source):
    """A file that only lies in a directory which the user named, and does not say what it holds."""


@dataclass(frozen=True)
class _Row:
    step: int
    values: tuple[float, ...]
    colon: bool


class _NumberRows:
    def claims(self, candidate: Candidate) -> bool:
        suffix = candidate.path.suffix.lower()
        width = width_of(candidate.head) if suffix in _TABLES | _TEXTS else 0
        return width > 1 if suffix in _TABLES else width > 0

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        for file in sorted(files):
            if root.is_file() or _says_so(file):
                yield Source(file, (file,))
            elif file.suffix.lower() in _HINTED and not lies_beside_logs(file):
                yield _Unasked(file, (file,))

    def read(self, source: Source) -> Run:
        if isinstance(source, _Unasked):
            raise NotALog("numbers without names: name the file alone to have it read")
        return _read(source.path)


READER: Reader = _NumberRows()


def width_of(head: bytes) -> int:
    """How many values follow the step on each line; 0 where some line is something else."""
    lines = head.decode("utf-8-sig", errors="replace").splitlines()
    lines = lines[:-1] if len(head) >= _FULL else lines
    rows = []
    for line in lines:
        row = _row(line)
        if row is not None:
            rows.append(row)
        elif line.strip():
            return 0
    widths = {len(row.values) for row in rows}
    rises = all(one.step < other.step for one, other in pairwise(rows))
    return widths.pop() if len(rows) >= _FEWEST and len(widths) == 1 and rises else 0


def _says_so(file: Path) -> bool:
    """Whether the name of a file says that a training wrote it."""
    words = role_names.tokens(file.stem)
    trains = file.suffix.lower() == ".log" and not role_names.TRAINING.isdisjoint(words)
    return trains or _names_value(file.stem)


def _names_value(stem: str) -> bool:
    meaning = role_names.meaning(stem)
    return meaning.role in _TOLD and not meaning.stand_in


def _row(line: str) -> _Row | None:
    found = _ROW.match(line) if len(line) <= _LONGEST else None
    if found is None:
        return None
    values = tuple(map(float, _BETWEEN.split(found["values"])))
    if len(values) >= _MOST_COLUMNS:
        return None
    return _Row(int(found["step"]), values, found["colon"] is not None)


def _read(file: Path) -> Run:
    builder, others = TableBuilder(), 0
    names: tuple[str, ...] = ()
    for number, line in _lines(file):
        row = _row(line)
        if row is None:
            others += 1
            continue
        names = names or _names(file.stem, row)
        builder.add(number, {"step": float(row.step), **dict(zip(names, row.values, strict=False))})
    if not len(builder):
        raise NotALog("no line is a step and its values")
    run = run_of(builder.finish(), file, "text")
    notes = [*run.notes, *_notes(names, file.stem)]
    if others:
        notes.append(f"passed over what is no step and its values: {others} of the lines")
    return Run(file, "text", run.series, notes=tuple(notes), unit=run.unit, by_line=True)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    with file.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            text = line.decode("utf-8-sig", errors="replace")
            if text.strip("\0 \t\r\n"):
                yield number, text


def _names(stem: str, row: _Row) -> tuple[str, ...]:
    """What the columns are called: the first by its file, else all by their places in the line."""
    rest = [f"column {place}" for place in range(2, len(row.values) + 2)]
    if _names_value(stem):
        rest[0] = stem
    elif row.colon and len(rest) == 1:
        rest[0] = "loss"  # `120: 0.5` is what one prints of a training
    return tuple(rest)


def _notes(names: Sequence[str], stem: str) -> Iterator[str]:
    if names[0] == stem and len(names) > 1:
        yield "no line names its values: the first is taken for what the file is called by"
    elif names[0] == "loss" != stem:
        yield "no line names its value: it is taken for the loss"
