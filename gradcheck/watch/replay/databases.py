"""Keeps the journals of databases that a training has open in memory, out of its directory."""

from __future__ import annotations

import gc
import sys
from contextlib import suppress
from typing import Any

_TRANSACTION = 22
"""The action code by which SQLite asks whether a transaction may begin or end."""
_DENY, _ALLOW = 1, 0


def separate(*, guarded: bool) -> None:
    """See that no connection to a SQLite database makes or removes a file beside it.

    Its own descriptors lead to copies by now, but it opens its journal by name. One in the middle
    of a transaction has its journal already, and would remove it: it cannot be committed. Neither
    can one that keeps its journal, unless the kernel guards the files (`guarded`).
    """
    module = sys.modules.get("sqlite3")
    if module is None:
        return
    for one in gc.get_objects():
        if issubclass(type(one), module.Connection):  # a proxy may have no object any more
            with suppress(module.Error):
                if one.in_transaction or not _journals_in_memory(one, guarded=guarded):
                    one.set_authorizer(_keep_transaction)


def _keep_transaction(action: int, *about: Any) -> int:
    return _DENY if action == _TRANSACTION else _ALLOW


def _journals_in_memory(connection: Any, *, guarded: bool) -> bool:
    # a write-ahead log stays: it is open already, and to leave it would write to the database
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples, whatever the script has its rows made of
    (mode,) = cursor.execute("PRAGMA journal_mode").fetchone()
    if mode in ("wal", "off", "memory"):
        return True
    if mode == "delete" or guarded:  # to leave another mode removes the journal
        cursor.execute("PRAGMA journal_mode = MEMORY").fetchall()
        return True
    return False
