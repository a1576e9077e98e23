"""What a renderer is: a name, the suffixes it is chosen by, and a function of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gradcheck.model import Report, Severity


@dataclass(frozen=True)
class Canvas:
    """What the output can show, and what the caller makes of the report."""

    width: int = 80
    colour: bool = False
    unicode: bool = True
    braille: bool = True
    """Whether dots of braille are as wide as letters: in terminals they are, in browsers not."""
    fail_on: Severity | None = Severity.FAILURE
    """The mildest severity that fails the build; None where nothing does."""
    exit_code: int | None = None
    """How the command will end, where that is known."""


@dataclass(frozen=True)
class Appendix:
    """What a CI service shows of a report elsewhere, from a file that it names in a variable."""

    variable: str
    """The environment variable that holds the file's path."""
    most_bytes: int
    """How large the file may become: the service drops a larger one whole."""
    render: Callable[[Report, Canvas], str]


@dataclass(frozen=True)
class Renderer:
    """An output format, declared as `RENDERER` by a module of this folder; its stem is its name."""

    suffixes: tuple[str, ...]
    """Ends of file names that choose this format, such as `.json`."""
    render: Callable[[Report, Canvas], str]
    appendix: Appendix | None = None
