"""Reads logs in files whose names do not say so, as `notes.md`: the user named them, or they do.

What lies in a directory that the user named is read where its first lines are hardly anything but
steps and losses; texts that only quote a log, as a README does, are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from gradcheck.model import Role, Run
from gradcheck.readers import role_names, text_log
from gradcheck.readers.base import Candidate, Reader, Source

_FULL = 4096
# These are read, or refused with a better reason, by others.
_OF_OTHERS = frozenset({".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".jsonlines", ".wandb"})
_PROGRAMS = frozenset(
    {".py", ".pyi", ".sh", ".js", ".ts", ".c", ".cc", ".cpp", ".cu", ".h", ".go", ".rs", ".java"}
    | {".html", ".htm", ".css", ".xml", ".svg", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".ipynb"}
)
_SPEAKS = re.compile(rb"loss", re.IGNORECASE)
_FEWEST = 5
_MOSTLY = 0.6
_RULE = re.compile(r"^[\W_]*$")


class _OtherTexts:
    def claims(self, candidate: Candidate) -> bool:
        suffix = candidate.path.suffix.lower()
        return suffix not in _OF_OTHERS and text_log.is_text_of_its_own(candidate.head)

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        named = root.is_file()
        return [Source(file, (file,)) for file in sorted(files) if named or _is_worth_it(file)]

    def read(self, source: Source) -> Run:
        return text_log.READER.read(source)


READER: Reader = _OtherTexts()


def _is_worth_it(file: Path) -> bool:
    # What is behind a URL is not looked at twice.
    if not isinstance(file, Path) or file.suffix.lower() in _PROGRAMS:
        return False
    if text_log.lies_beside_logs(file):
        return False
    with file.open("rb") as opened:
        head = opened.read(_FULL)
    return len(_SPEAKS.findall(head)) >= _FEWEST and _is_log(head)


def _is_log(head: bytes) -> bool:
    """Whether most of what a text begins with are lines that count and tell a loss."""
    # Many patterns to compile, which other logs do without.
    from gradcheck.readers import text_lines  # noqa: PLC0415
    from gradcheck.readers.text_rows import rows_of  # noqa: PLC0415

    lines = [line for line in text_lines.lines([head]) if not _RULE.match(line.text)]
    kinds, _ = rows_of(lines)
    told = {
        number
        for kind in kinds
        if kind.own and any(role_names.meaning(name).role is Role.LOSS for name in kind.measured)
        for number in kind.line.tolist()
    }
    letters = sum(len(line.text) for line in lines if line.number in told)
    return len(told) >= _FEWEST and letters >= _MOSTLY * sum(len(line.text) for line in lines)
