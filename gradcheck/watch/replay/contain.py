"""Keeps a replay to itself: nothing that it writes, prints or sends reaches the world."""

# mypy: allow-untyped-calls
from __future__ import annotations

import builtins
import io
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import dataloader

_WRITING = ("w", "a", "x", "+")
_OF_PATHS = ("opener", "closefd")
_FORGOTTEN = (
    (os, ("remove", "unlink", "rename", "replace", "mkdir", "rmdir", "symlink", "link", "chmod")),
    (os, ("makedirs", "removedirs", "truncate", "kill", "killpg", "utime")),
    (shutil, ("rmtree", "move", "copy", "copy2", "copyfile", "copytree")),
    (torch, ("save",)),
)


def contain(*, keep: int) -> None:
    """Cut this process off, but for the channel `keep`; it ends by `os._exit` alone."""
    _redirect(keep)
    _divert_files()
    for owner, names in _FORGOTTEN:
        for name in names:
            setattr(owner, name, _nothing)
    subprocess.Popen = _Refused  # type: ignore[misc,assignment]
    # its workers are another process's children
    iterator: Any = dataloader._MultiProcessingDataLoaderIter
    iterator._shutdown_workers = _nothing
    iterator.__del__ = _nothing
    _load_in_process()
    if hasattr(torch, "compiler") and hasattr(torch.compiler, "set_stance"):
        torch.compiler.set_stance("force_eager")


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Do not do it."""


class _Refused:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise OSError("a replay starts no process")


def _redirect(keep: int) -> None:
    """Point every descriptor that leads out to nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not files
        number = int(name)
        if number in (keep, nowhere):
            continue
        try:
            kind = os.fstat(number).st_mode
            writes = _flags(number) & os.O_ACCMODE != os.O_RDONLY
            if number <= 2 or (writes and (stat.S_ISREG(kind) or stat.S_ISSOCK(kind))):
                os.dup2(nowhere, number)
        except OSError:
            continue


def _flags(number: int) -> int:
    for line in Path(f"/proc/self/fdinfo/{number}").read_text("ascii").splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8)
    return os.O_RDONLY


def _divert_files() -> None:
    """Files opened for writing are in memory, and nobody sees them."""
    real, real_open = builtins.open, os.open

    def diverted(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(mode, str) and any(letter in mode for letter in _WRITING):
            kept = {key: value for key, value in kwargs.items() if key not in _OF_PATHS}
            return real(_in_memory(), "w+b" if "b" in mode else "w+", *args[:4], **kept)
        return real(file, mode, *args, **kwargs)

    def opened(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if flags & (os.O_ACCMODE | os.O_CREAT | os.O_TRUNC):
            return _in_memory()
        return real_open(path, flags, *args, **kwargs)

    builtins.open = diverted
    io.open = diverted
    os.open = opened


def _in_memory() -> int:
    return os.memfd_create("gradcheck-replay")


def _load_in_process() -> None:
    """New iterators over a loader with workers read in this process."""
    real = dataloader.DataLoader._get_iterator

    def _get_iterator(self: Any) -> Any:
        workers, timeout, factor = self.num_workers, self.timeout, self.prefetch_factor
        self.__dict__.update(num_workers=0, timeout=0, prefetch_factor=None)
        try:
            return real(self)
        finally:
            self.__dict__.update(num_workers=workers, timeout=timeout, prefetch_factor=factor)

    dataloader.DataLoader._get_iterator = _get_iterator  # type: ignore[method-assign]
    _begin_in_process()


def _begin_in_process() -> None:
    """Workers that persist belong to another process: a new epoch begins without them."""
    real = dataloader.DataLoader.__iter__

    def begin(self: Any) -> Any:
        if isinstance(self._iterator, dataloader._MultiProcessingDataLoaderIter):
            source = self.generator if self.generator is not None else torch.default_generator
            state = source.get_state()
            self._iterator = self._get_iterator()
            source.set_state(state)  # an iterator that goes on draws no seed for its workers
            return self._iterator
        return real(self)

    dataloader.DataLoader.__iter__ = begin  # type: ignore[method-assign]
