"""What a reader is: it claims files, groups them into runs, and reads a run into series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gradcheck.model import Run


@dataclass(frozen=True)
class Candidate:
    """A file that may be a log, with its first bytes."""

    path: Path
    head: bytes
    """The first 4096 bytes, or fewer."""


@dataclass(frozen=True)
class Source:
    """The files that make up one run, and the path by which the run is known."""

    path: Path
    files: tuple[Path, ...]
    verify: bool = False
    """Whether to compare the data with its checksums, where the format has any."""


class Reader(Protocol):
    """A log format. A module of this folder declares one as `READER`."""

    def claims(self, candidate: Candidate) -> bool:
        """Whether the file is of this format, judged by its name and first bytes only.

        A claimed file that turns out to be no log is named to the user with the reason, so a
        reader claims what a user would expect it to read.
        """

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        """Sort claimed files into runs; `root` is the path that the user named."""

    def read(self, source: Source) -> Run:
        """Read one run, roles not yet assigned.

        Raises:
            NotALog: the files hold no usable series; the message says what is missing.
        """
