"""Keeps what a script prints and writes away from the world for a while, and takes that back."""

# mypy: allow-untyped-calls
from __future__ import annotations

import builtins
import io
import os
import shutil
import sys
import types
from contextlib import ExitStack
from typing import Any

import torch

DEEPEST = 4
"""Frames in which multiprocessing is looked for: it makes its directories by tempfile."""
_WRITING = ("w", "a", "x", "+")
_FORGOTTEN = (
    (os, ("remove", "unlink", "rename", "replace", "mkdir", "makedirs", "rmdir", "symlink")),
    (shutil, ("rmtree", "move", "copy", "copy2", "copyfile", "copytree")),
    (torch, ("save",)),
)


def mute(undo: ExitStack) -> None:
    """Until `undo` is closed, output goes nowhere and files are written in memory.

    What the script has open already for writing is not reached.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        kept = os.dup(number)
        os.dup2(nowhere, number)
        undo.callback(_put_back, kept, number)
    os.close(nowhere)
    real = builtins.open

    def diverted(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        writes = isinstance(mode, str) and any(letter in mode for letter in _WRITING)
        if writes and not _between_processes():
            return io.BytesIO() if "b" in mode else io.StringIO()
        return real(file, mode, *args, **kwargs)

    for owner in (builtins, io):
        _set(undo, owner, "open", diverted)
    for module, names in _FORGOTTEN:
        for name in names:
            _set(undo, module, name, _forgotten(getattr(module, name)))


def _set(undo: ExitStack, owner: Any, name: str, value: Any) -> None:
    undo.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _put_back(kept: int, number: int) -> None:
    (sys.stdout if number == 1 else sys.stderr).flush()
    os.dup2(kept, number)
    os.close(kept)


def _forgotten(real: Any) -> Any:
    """Do not do it, unless it is how processes talk to each other."""

    def muted(*args: Any, **kwargs: Any) -> Any:
        return real(*args, **kwargs) if _between_processes() else None

    return muted


def _between_processes() -> bool:
    """Whether multiprocessing asks: workers of a loader that begins meanwhile need its sockets."""
    frame: types.FrameType | None = sys._getframe(2)
    for _ in range(DEEPEST):
        if frame is None:
            return False
        if str(frame.f_globals.get("__name__", "")).startswith("multiprocessing."):
            return True
        frame = frame.f_back
    return False
