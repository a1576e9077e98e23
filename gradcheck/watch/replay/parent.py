"""Ties the life of a process to that of its parent."""

# No torch here: a process that has just begun calls this before anything else.

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(by: int = signal.SIGKILL, *, parent: int | None = None) -> None:
    """Have the system send this process a signal when its parent ends.

    `parent` is the one it had when it was started: where that has ended already, so does this.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), by)
