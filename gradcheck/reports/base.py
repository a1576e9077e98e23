"""What a renderer is: a name, the suffixes it is chosen by, and a function of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradcheck.model import Report


@dataclass(frozen=True)
class Canvas:
    """What the output can show."""

    width: int = 80
    colour: bool = False
    unicode: bool = True


@dataclass(frozen=True)
class Renderer:
    """An output format, declared as `RENDERER` by a module of this folder; its stem is its name."""

    suffixes: tuple[str, ...]
    """File suffixes that choose this format, such as `.json`."""
    render: Callable[[Report, Canvas], str]
