"""Finds plug-ins: every module of a folder that defines the folder's one name is one."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from types import ModuleType
from typing import Any


@functools.cache
def modules(folder: str, name: str) -> tuple[ModuleType, ...]:
    """The modules of the package `gradcheck.<folder>` that define `name`, in alphabetical order."""
    package = importlib.import_module(f"gradcheck.{folder}")
    found = (
        importlib.import_module(f"{package.__name__}.{module.name}")
        for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name)
    )
    return tuple(module for module in found if hasattr(module, name))


def collect(folder: str, name: str) -> dict[str, Any]:
    """What the modules of `folder` call `name`, by the module's own name."""
    return {m.__name__.rpartition(".")[2]: getattr(m, name) for m in modules(folder, name)}
