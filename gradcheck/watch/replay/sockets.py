"""Keeps the sockets of a replay to itself: they lead to its own processes alone."""

# mypy: allow-untyped-calls
from __future__ import annotations

import os
import posix
import socket
import weakref
from collections.abc import MutableMapping
from typing import Any

from gradcheck.watch.replay.overlay import Overlay

_OPENS = ("bind", "connect", "connect_ex")
_SENDS = ("sendto", "sendmsg")
_ABSTRACT = ("\0", b"\0")

Names = MutableMapping[Any, Any]


def send_nothing(overlay: Overlay) -> None:
    """Refuse all connections but those by a file in the folder of the replay."""
    kind: Any = socket.socket
    names: Names = weakref.WeakKeyDictionary()
    for name in _OPENS:
        setattr(kind, name, _opening(overlay, names, name, getattr(kind, name)))
    for name in _SENDS:
        setattr(kind, name, _sending(getattr(kind, name)))
    real = kind.getsockname
    kind.getsockname = lambda self: names[self] if self in names else real(self)


def _opening(overlay: Overlay, names: Names, name: str, real: Any) -> Any:
    def opened(self: Any, address: Any) -> Any:
        local = self.family == socket.AF_UNIX and isinstance(address, str | bytes)
        if not local or address[:1] in _ABSTRACT:
            raise _refusal()
        file = (overlay.writing if name == "bind" else overlay.reading)(address)
        if not file.startswith(overlay.folder):
            raise _refusal()
        folder, _, last = file.rpartition("/")
        number = posix.open(folder, os.O_PATH | os.O_CLOEXEC)
        try:  # the name of a socket holds no more than 107 bytes
            found = real(self, f"/proc/self/fd/{number}/{last}")
        finally:
            posix.close(number)
        if name == "bind":
            names[self] = address
        return found

    return opened


def _sending(real: Any) -> Any:
    def sent(self: Any, *args: Any) -> Any:
        if self.family == socket.AF_UNIX and not isinstance(args[-1], str):
            return real(self, *args)  # connected from the start, as one of a pair
        raise _refusal()

    return sent


def _refusal() -> OSError:
    return ConnectionRefusedError("a replay has no connection to the world")
