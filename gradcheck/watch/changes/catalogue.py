"""Finds the changes by the files of this folder."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path

from gradcheck.watch.changes.base import Change, Trouble
from gradcheck.watch.probe import Probe


@functools.cache
def changes() -> Mapping[str, type[Change]]:
    """All changes by their id, the name of their module."""
    found = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        loaded = importlib.import_module(f"gradcheck.watch.changes.{module.name}")
        if hasattr(loaded, "CHANGE"):
            found[module.name] = loaded.CHANGE
    return found


def make(name: str, probe: Probe, trouble: Trouble) -> Change:
    """A change of this id, not yet in effect."""
    return changes()[name](probe, trouble)
