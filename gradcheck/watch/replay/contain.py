"""Keeps a replay to itself: nothing that it writes, prints or sends reaches the world."""

# mypy: allow-untyped-calls
from __future__ import annotations

import os
import posix
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import dataloader

from gradcheck.watch.replay import databases, descriptors, diverting, landlock, mappings, sockets
from gradcheck.watch.replay.overlay import Overlay
from gradcheck.watch.replay.parent import die_with_parent
from gradcheck.watch.replay.rebinding import Replaced

_STARTS = ("system", "posix_spawn", "posix_spawnp", "execv", "execve")


@dataclass(frozen=True)
class Place:
    """Where a replay is in space and time."""

    scratch: Path
    """The folder for what it writes."""
    since: float | None = None
    """When its first step was first run: what was made later may be made again."""
    hides: bool = False
    """Whether what was made later is not even seen before."""
    offsets: Mapping[int, int] = field(default_factory=dict)
    """Where it stood in its open files."""


def contain(place: Place, *, keep: int) -> None:
    """Cut this process off, but for the channel `keep`; it ends by `os._exit` alone."""
    overlay = Overlay(str(place.scratch), place.since, hides=place.hides)
    descriptors.separate(overlay, place.offsets, {keep})
    mappings.separate()
    replaced = Replaced()
    diverting.install(overlay, replaced)
    _start_nothing(replaced)
    _signal_nobody(replaced)
    sockets.send_nothing(overlay)
    replaced.rebind()
    os.register_at_fork(after_in_child=die_with_parent)
    sys.dont_write_bytecode = True
    if hasattr(torch, "compiler") and hasattr(torch.compiler, "set_stance"):
        torch.compiler.set_stance("force_eager")
    guarded = landlock.restrict(str(place.scratch), "/dev")
    databases.separate(guarded=guarded)


class _Refused:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise OSError("a replay starts no process")


def _refuse(*args: Any, **kwargs: Any) -> Any:
    raise OSError("a replay starts no process")


def _start_nothing(replaced: Replaced) -> None:
    replaced.replace(subprocess, "Popen", _Refused)
    import _posixsubprocess  # noqa: PLC0415

    for owner, names in ((os, _STARTS), (_posixsubprocess, ("fork_exec",))):
        for name in names:
            replaced.replace(owner, name, _refuse)


def _signal_nobody(replaced: Replaced) -> None:
    """Signals go to the replay's own children alone."""
    children: set[int] = set()

    def fork() -> int:
        pid = posix.fork()
        children.add(pid)
        return pid

    def kill(pid: int, number: int) -> None:
        if pid in children:
            posix.kill(pid, number)

    def killpg(group: int, number: int) -> None:
        """It has no group but its own."""

    for name, new in (("fork", fork), ("kill", kill), ("killpg", killpg)):
        replaced.replace(os, name, new)
    signal.pidfd_send_signal = lambda *args: None


def load_in_process() -> None:
    """Loaders with workers read in this process: their workers are another process's children."""
    iterator: Any = dataloader._MultiProcessingDataLoaderIter
    iterator._shutdown_workers = _nothing
    iterator.__del__ = _nothing
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


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Do not do it."""


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
