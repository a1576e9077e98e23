"""Replaces functions in all modules that hold them, as after `from os import remove`."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

_REAL = ("posix", "_io")
"""Modules by whose names the real functions are still called."""


class Replaced:
    """What was replaced by what."""

    def __init__(self) -> None:
        self._pairs: dict[int, tuple[Any, Any]] = {}

    def replace(self, owner: Any, name: str, new: Any) -> None:
        """Let a name of a module, where it has it, stand for something else."""
        real = getattr(owner, name, None)
        if real is not None:
            self._pairs[id(real)] = real, new
            setattr(owner, name, new)

    def of(self, value: Any) -> Any:
        """What stands for it now; None where that is itself."""
        known = self._pairs.get(id(value))
        return known[1] if known is not None and known[0] is value else None

    def rebind(self) -> None:
        """Replace what was bound by other names in all modules."""
        for names in _all_names():
            for name, value in list(names.items()):
                new = self.of(value)
                if new is not None:
                    names[name] = new
        for function in vars(getattr(tempfile, "_TemporaryFileCloser", object)).values():
            if isinstance(function, FunctionType) and function.__defaults__:
                bound = function.__defaults__
                function.__defaults__ = tuple(self.of(one) or one for one in bound)


def _all_names() -> Iterator[dict[Any, Any]]:
    for name, module in list(sys.modules.items()):
        if name not in _REAL and isinstance(module, ModuleType):
            yield vars(module)
    # where numpy keeps the functions by which it opens text
    numpys = getattr(sys.modules.get("numpy.lib._datasource"), "_file_openers", None)
    openers = getattr(numpys, "_file_openers", None)
    if isinstance(openers, dict):
        yield openers
