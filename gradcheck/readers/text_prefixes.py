"""Takes off what launchers and loggers put before a line: ranks, streams, levels, logger names."""

from __future__ import annotations

import re
from typing import NamedTuple

from gradcheck.readers.text_numbers import MARK

_LEVEL = r"(?:DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL)"
# In front of a whole line; a group `rank` or `index` keeps its number.
_LAUNCHER = re.compile(
    rf"^[\s|]*(?:\[{MARK},\s?(?P<mpi>{MARK})\]<std(?:out|err)>:"
    rf"|\([\w.]+ (?:rank={MARK} )?pid={MARK}(?:, ip=[^)]{{0,60}})?\)"
    r"|std(?:out|err) [FP] )\s*"
)
_INDEX = re.compile(rf"^[\s|\]>-]*(?:\[(?P<one>{MARK})\]|(?P<two>{MARK}):)\s")
_PAIR = re.compile(rf"^[\s|]*\[{MARK},\s?{MARK}\]\s")
_LOGGER = re.compile(rf"^[^={MARK}]{{0,40}}(?:{MARK}[^={MARK}]{{0,40}}){{0,6}}?\b{_LEVEL}\b")
_MEASURED = re.compile(rf":\s+{MARK}")
_NAMED_LEVEL = re.compile(rf"^\s*{_LEVEL}:[\w.]+:")
_TAGGED_RANK = re.compile(r"\brank_?(\d{1,6})\b|^\s*\[[a-z]+(\d{1,6})\]:", re.IGNORECASE)


class Prefix(NamedTuple):
    """What stands before the message of a line."""

    length: int
    """Characters of the template that it takes up."""
    rank: int | None = None
    """The rank of the process that printed the line, where the text tells it ..."""
    rank_mark: int | None = None
    """... and else which of the marks in the prefix does."""
    index_mark: int | None = None
    """Which mark is a bare number that opens the line: a rank, or a count of steps."""


def prefix_of(text: str) -> Prefix:
    """What stands before the message of a line, given as a template with marks for its numbers."""
    tag = _TAGGED_RANK.search(text)
    rank = int(tag[1] or tag[2]) if tag else None
    start, rank_mark, index_mark = 0, None, None
    launcher = _LAUNCHER.match(text)
    if launcher is not None:
        start = launcher.end()
        if launcher["mpi"] is not None:
            rank_mark = 1
    elif (index := _INDEX.match(text)) is not None:
        start, index_mark = index.end(), 0
    logger = _NAMED_LEVEL.match(text[start:]) or _LOGGER.match(text[start:])
    if logger is not None and not _MEASURED.search(logger[0]):
        start += logger.end()
    return Prefix(start, rank, rank_mark, index_mark)


def opens_with_pair(message: str) -> bool:
    """Whether a message opens as `[1,  2000] `, which counts an epoch and its batches."""
    return _PAIR.match(message) is not None
