"""Has the kernel refuse what would get past Python: Landlock, where the kernel has it."""

from __future__ import annotations

import ctypes
import os
import posix
import sys

_CREATE, _ADD, _RESTRICT = 444, 445, 446
"""Numbers of the system calls, the same on all machines but Alpha."""
_NO_NEW_PRIVILEGES = 38
_WRITES = 0x7FF2
"""Write, remove, make, truncate and move: all rights on files but to run, read and list them."""
_SINCE = {2: 1 << 13, 3: 1 << 14}
"""Rights that came with later versions: to move between directories, to truncate."""
_TCP = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3


class _Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """That of the kernel's Landlock; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, int(ctypes.CDLL(None).syscall(_CREATE, None, 0, 1)))


def restrict(*writable: str) -> bool:
    """From now on this thread, and all it starts, writes beneath these directories alone.

    It opens no TCP connection and sends no signal to others, as far as the kernel knows how to
    refuse that. Whether it refuses anything.
    """
    known = version()
    if not known:
        return False
    call = ctypes.CDLL(None, use_errno=True).syscall
    files = _WRITES & ~sum(right for since, right in _SINCE.items() if since > known)
    rules = _Rules(files, _TCP if known >= 4 else 0, _ABSTRACT_SOCKETS_AND_SIGNALS)
    size = 24 if known >= 6 else 16 if known >= 4 else 8
    ruleset = call(_CREATE, ctypes.byref(rules), size, 0)
    if ruleset < 0:
        return False
    try:
        for folder in writable:
            _allow(call, ruleset, folder, files)
        if ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0):
            return False
        return bool(call(_RESTRICT, ruleset, 0) == 0)
    finally:
        posix.close(ruleset)


def _allow(call: ctypes._NamedFuncPointer, ruleset: int, folder: str, files: int) -> None:
    parent = posix.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        beneath = _Beneath(files, parent)
        call(_ADD, ruleset, 1, ctypes.byref(beneath), 0)
    finally:
        posix.close(parent)
