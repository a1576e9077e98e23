"""The errors a user can meet, each with its exit code; caught in one place, `cli.main`.

GradcheckError
├── UsageError        2  wrong option, path that does not exist or cannot be read
│   └── NoSuchSeries     an option names a series that the run does not have
└── NothingToJudge    3  no run found, or none with a loss or gradient series

NotALog is not for users: a reader raises it to hand a file back with the reason.
"""

from __future__ import annotations

from pathlib import Path


class GradcheckError(Exception):
    """What went wrong, where, and what to try, in one line."""

    exit_code = 2


class UsageError(GradcheckError):
    """Wrong usage, or a path that does not exist or cannot be read."""


class NoSuchSeries(UsageError):
    """An option names a series that the run at `path` does not have."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class NothingToJudge(GradcheckError):
    """Everything was readable and nothing in it can be judged: a gate must not pass on this."""

    exit_code = 3


class NotALog(Exception):
    """A file that a reader cannot use; `broken` where it is damaged rather than something else."""

    def __init__(self, reason: str, *, broken: bool = False) -> None:
        super().__init__(reason)
        self.broken = broken
