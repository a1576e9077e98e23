"""When a file was made, where the file system keeps that."""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys
import time
from typing import Any

_AT_FDCWD, _NOFOLLOW, _BIRTH = -100, 0x100, 0x800
_COARSE = 5
"""CLOCK_REALTIME_COARSE, which the module `time` has no name for."""
_SIZE, _MASK_AT, _BIRTH_AT = 256, 0, 80


def now() -> float:
    """The time as the system stamps new files with it."""
    return time.clock_gettime(_COARSE) if sys.platform.startswith("linux") else time.time()


def of(path: str) -> float | None:
    """Seconds since the epoch; None where that is unknown, or there is no such file."""
    call = _statx()
    if call is None:
        return None
    found = ctypes.create_string_buffer(_SIZE)
    if call(_AT_FDCWD, os.fsencode(path), _NOFOLLOW, _BIRTH, found):
        return None
    (mask,) = struct.unpack_from("=I", found, _MASK_AT)
    seconds, nanoseconds = struct.unpack_from("=qI", found, _BIRTH_AT)
    return seconds + nanoseconds * 1e-9 if mask & _BIRTH else None


@functools.cache
def _statx() -> Any:
    """The call of the C library; None where it has none."""
    return getattr(ctypes.CDLL(None), "statx", None)
