"""Keeps what a script prints and writes away from the world for a while, and takes that back."""

# mypy: allow-untyped-calls
from __future__ import annotations

import builtins
import io
import os
import shutil
import sys
from contextlib import ExitStack
from typing import Any

import torch

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
        if isinstance(mode, str) and any(letter in mode for letter in _WRITING):
            return io.BytesIO() if "b" in mode else io.StringIO()
        return real(file, mode, *args, **kwargs)

    for owner in (builtins, io):
        _set(undo, owner, "open", diverted)
    for module, names in _FORGOTTEN:
        for name in names:
            _set(undo, module, name, _nothing)


def _set(undo: ExitStack, owner: Any, name: str, value: Any) -> None:
    undo.callback(setattr, owner, name, getattr(owner, name))
    setattr(owner, name, value)


def _put_back(kept: int, number: int) -> None:
    (sys.stdout if number == 1 else sys.stderr).flush()
    os.dup2(kept, number)
    os.close(kept)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Do not do it."""
