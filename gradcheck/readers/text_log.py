"""Reads what a training printed: any text in whose lines numbers come again under a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from gradcheck.model import Run
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.csv_cells import looks_like_table

_SUFFIXES = frozenset({".log", ".txt", ".out", ".err", ".stdout", ".stderr", ".output"})
_NAMES = frozenset({"log", "stdout", "stderr", "output", "nohup"})
# A batch system's `job.o123`, and `train.log.1` as it is kept when a new one is begun.
_NUMBERED = re.compile(r"\.(?:[oe]|(?:log|out|err|txt)\.)\d+$", re.IGNORECASE)
# Texts that lie beside logs and are none.
_OTHERS = re.compile(
    r"^(?:requirements|readme|licen[cs]e|copying|notice|changelog|authors|classes|labels?|vocab\w*"
    r"|merges|cmakelists|robots|manifest|hparams|args|opts?|config\w*|pip[_-]?freeze|command|cmd)\b",
    re.IGNORECASE,
)
_MOST_CONTROL = 0.1
_JSON = re.compile(rb"\s*\{(?!\s*')")  # `{'loss': 1.0}` is what Python prints


class _TextLogs:
    def claims(self, candidate: Candidate) -> bool:
        path, head = candidate.path, candidate.head
        named = path.suffix.lower() in _SUFFIXES or path.name.lower() in _NAMES
        if not (named or _NUMBERED.search(path.name)):
            return False
        if lies_beside_logs(path) or _is_binary(head) or looks_like_table(head):
            return False
        return not _is_json(head)

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        return [Source(file, (file,)) for file in sorted(files)]

    def read(self, source: Source) -> Run:
        # Many patterns to compile, which other logs do without.
        from gradcheck.readers import text_lines, text_run  # noqa: PLC0415
        from gradcheck.readers.text_rows import rows_of  # noqa: PLC0415

        with source.path.open("rb") as opened:
            blocks = iter(lambda: opened.read(text_lines.BLOCK), b"")
            kinds, messages = rows_of(text_lines.lines(blocks))
        return text_run.run_of(kinds, messages, source.path)


READER: Reader = _TextLogs()


def lies_beside_logs(path: Path) -> bool:
    """Whether a text of this name belongs to a project or a data set, and is no log."""
    return _OTHERS.match(path.name) is not None


def is_text_of_its_own(head: bytes) -> bool:
    """Whether a file of these first bytes, whatever its name, is a text and no other format."""
    if not head.strip() or b"\0" in head or _is_binary(head) or _is_json(head):
        return False
    try:
        head[: head.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not looks_like_table(head)


def _is_json(head: bytes) -> bool:
    return bool(_JSON.match(head)) and b"\n" in head.strip()


def _is_binary(head: bytes) -> bool:
    head = head.rstrip(b"\0\r\n")  # a crash of the machine leaves them at the end
    if not head:
        return False
    control = sum(byte < 32 and byte not in b"\t\n\r\x08\x1b\x0c" for byte in head)
    return control > _MOST_CONTROL * len(head)
