"""Finds the output formats by the files of the reports folder; imports only the one asked for."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from importlib.machinery import FileFinder
from pathlib import Path
from typing import TYPE_CHECKING

import gradcheck.reports
from gradcheck.errors import UsageError

if TYPE_CHECKING:
    from gradcheck.reports.base import Renderer

DEFAULT = "text"
_DECLARATION = re.compile(r"^RENDERER\b", re.MULTILINE)


@functools.cache
def names() -> tuple[str, ...]:
    """The formats that exist: the modules of the folder whose source declares a RENDERER."""
    modules = pkgutil.iter_modules(gradcheck.reports.__path__)
    return tuple(sorted(m.name for m in modules if _declares_renderer(m)))


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
    renderers = [_named(name) for name in names()]
    for renderer in renderers:
        if output.suffix.lower() in renderer.suffixes:
            return renderer
    known = ", ".join(suffix for renderer in renderers for suffix in renderer.suffixes)
    raise UsageError(f"no format for {output.name!r}: name one with --format, or end it in {known}")


def _declares_renderer(module: pkgutil.ModuleInfo) -> bool:
    if not isinstance(module.module_finder, FileFinder):
        return False
    source = Path(module.module_finder.path, f"{module.name}.py")
    return source.is_file() and bool(_DECLARATION.search(source.read_text(encoding="utf-8")))
