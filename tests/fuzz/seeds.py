"""What is damaged: small valid logs of each format, which know their records and their points."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

KINDS = ("events", "csv", "json", "text", "wandb", "sqlite")


class Point(NamedTuple):
    """A point that must come out of an intact record."""

    name: str | None
    """None where the names are the reader's own choice."""
    step: int | None
    """None where the record does not say it."""
    value: float


@dataclass(frozen=True)
class Record:
    """The bytes [start, stop) of a log that hold some points; a line is without its end."""

    start: int
    stop: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Seed:
    """A valid log."""

    file: str
    data: bytes
    records: tuple[Record, ...] = ()
    header: tuple[int, int] | None = None
    """The bytes of the line that names the columns."""
    lines: bool = False
    """Whether records are lines; a text log may need several for one."""


@functools.cache
def seeds(kind: str) -> tuple[Seed, ...]:
    """The valid logs of a kind, the same in every process."""
    module = importlib.import_module(f"tests.fuzz.seeds_{kind}")
    return tuple(module.seeds())


def of_lines(
    file: str,
    lines: Sequence[tuple[str, Sequence[Point]]],
    *,
    header: bool = False,
    end: str = "\n",
) -> Seed:
    """A log of lines and the points in them; with `header`, the first line names the columns."""
    data, records = b"", []
    for text, points in lines:
        raw = text.encode()
        records.append(Record(len(data), len(data) + len(raw), tuple(points)))
        data += raw + end.encode()
    span = (records[0].start, records[0].stop) if header else None
    return Seed(file, data, tuple(records), span, lines=True)
