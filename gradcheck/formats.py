"""Finds the output formats by the files of the reports folder; imports only the one asked for."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import FileFinder
from pathlib import Path
from typing import TYPE_CHECKING

import gradcheck.reports
from gradcheck.errors import UsageError

if TYPE_CHECKING:
    from gradcheck.reports.base import Renderer

DEFAULT = "text"
TERMINAL = Path("-")
"""What names the terminal among outputs."""
_DECLARATION = re.compile(r"^RENDERER\b", re.MULTILINE)


@dataclass(frozen=True)
class Destination:
    """One of the places that a report goes to, and in which format."""

    renderer: Renderer
    file: Path | None = None
    """None is the terminal."""


@functools.cache
def names() -> tuple[str, ...]:
    """The formats that exist: the modules of the folder whose source declares a RENDERER."""
    modules = pkgutil.iter_modules(gradcheck.reports.__path__)
    return tuple(sorted(m.name for m in modules if _declares_renderer(m)))


def plan(name: str | None, outputs: Sequence[Path] = ()) -> list[Destination]:
    """Where a report goes: to the terminal if no output is named, else to the outputs alone.

    Of a single output `name` is the format. Of several, each goes by its suffix, and `name` is the
    format of the terminal, which is then shown the report too; `-` names the terminal as well.

    Raises:
        UsageError: no such format, none for a suffix, or an output named twice.
    """
    files = [output for output in outputs if output != TERMINAL]
    twice = next((file for at, file in enumerate(files) if file in files[:at]), None)
    if twice is not None or len(outputs) > len(files) + 1:
        raise UsageError(f"the output {twice or TERMINAL} is named twice: once is enough")
    if len(outputs) == 1 and files:
        return [Destination(choose(name, files[0]), files[0])]
    shown = not files or len(files) < len(outputs) or name is not None
    terminal = [Destination(choose(name, None))] if shown else []
    return [*terminal, *(Destination(choose(None, file), file) for file in files)]


def choose(name: str | None, output: Path | None) -> Renderer:
    """The renderer of that name, else the one that the output's suffix calls for."""
    if name is not None:
        return _named(name)
    return _named(DEFAULT) if output is None else _by_suffix(output)


def _named(name: str) -> Renderer:
    if name not in names():
        raise UsageError(f"unknown format {name!r}: choose one of {', '.join(names())}")
    renderer: Renderer = importlib.import_module(f"gradcheck.reports.{name}").RENDERER
    return renderer


def _by_suffix(output: Path) -> Renderer:
    known = {suffix: name for name in names() for suffix in _named(name).suffixes}
    file = output.name.lower()
    for suffix in sorted(known, key=len, reverse=True):  # .sarif.json before .json
        if file.endswith(suffix):
            return _named(known[suffix])
    listed = ", ".join(known)
    raise UsageError(
        f"no format for {output.name!r}: name one with --format, or end it in {listed}"
    )


def _declares_renderer(module: pkgutil.ModuleInfo) -> bool:
    if not isinstance(module.module_finder, FileFinder):
        return False
    source = Path(module.module_finder.path, f"{module.name}.py")
    return source.is_file() and bool(_DECLARATION.search(source.read_text(encoding="utf-8")))
