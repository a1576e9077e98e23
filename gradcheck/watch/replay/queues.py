"""Lets a forked process put things into queues whose readers were threads that it does not have."""

# mypy: allow-untyped-calls
from __future__ import annotations

import multiprocessing.queues
import queue
import threading
from typing import Any


def forget_readers() -> None:
    """From now on nobody waits for a thread that was not forked: what nobody reads is dropped.

    A queue's lock may have been held by such a thread: it is left alone while there is no other.
    """
    _drop_what_is_too_much(queue.Queue)
    _drop_what_is_too_much(multiprocessing.queues.Queue)
    _wait_for_nobody(queue.Queue)


def _alone() -> bool:
    return threading.active_count() == 1


def _drop_what_is_too_much(kind: Any) -> None:
    real = kind.put

    # those between processes have a thread that writes, and is gone as well: all is dropped
    def put(self: Any, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if not _alone():
            real(self, item, block, timeout)
        elif isinstance(self, queue.Queue) and not 0 < self.maxsize <= self._qsize():
            self._put(item)
            self.unfinished_tasks += 1

    kind.put = put


def _wait_for_nobody(kind: Any) -> None:
    real = kind.join

    def join(self: Any) -> None:
        if not _alone():
            real(self)

    kind.join = join
