"""Keeps our own faults away from the training: the first one switches watching off."""

from __future__ import annotations

import os
import sys
import traceback
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Stop(BaseException):
    """Ends the script before a poisoned update is applied; no `except Exception` catches it."""


class Forks(Protocol):
    """Who forks on our behalf, and says so while it does."""

    forking: bool


class Guard:
    """Runs what we hang into the script; a fault of ours is told once, in one line."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.off = False
        self.fault: str | None = None
        self._tell = tell
        self._inside = False
        self.shield: Callable[[], AbstractContextManager[Any]] | None = None
        """What hides our own operations from a trace, while there is one."""

    def __call__(self, hook: Callable[..., Any], *args: Any) -> Any:
        """Call a hook; None if watching is off, or if we are inside a hook already."""
        if self.off or self._inside:
            return None
        self._inside = True
        try:
            if self.shield is None:
                return hook(*args)
            with self.shield():
                return hook(*args)
        except (Stop, KeyboardInterrupt):
            raise
        except BaseException as error:
            self._switch_off(error)
            return None
        finally:
            self._inside = False

    def off_in_forks(self, own: Forks) -> None:
        """A process that the script forks is not watched, unlike a fork of `own`."""
        guard, forks = weakref.ref(self), weakref.ref(own)  # nobody forgets what is registered

        def in_child() -> None:
            here, ours = guard(), forks()
            if here is not None and ours is not None and not ours.forking:
                here.off = True

        os.register_at_fork(after_in_child=in_child)

    def _switch_off(self, error: BaseException) -> None:
        self.off = True
        place = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
        at = f" ({place.filename.rpartition('/')[2]}:{place.lineno})" if place else ""
        self.fault = f"{type(error).__name__}: {error}{at}"
        try:
            self._tell(
                f"watching is switched off, the training goes on: a fault of gradcheck's own, "
                f"{self.fault}"
            )
        except Exception:
            sys.exc_info()  # nowhere left to tell it
