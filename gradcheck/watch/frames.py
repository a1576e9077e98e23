"""Finds the line of the user's own code that is running, and the expression on it."""

from __future__ import annotations

import ast
import functools
import linecache
import os
import sys
import sysconfig
import types
from dataclasses import dataclass
from pathlib import Path

_OURS = str(Path(__file__).parents[1])
_LIBRARIES = tuple(
    {
        os.path.realpath(path)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_paths().get(name))
    }
)
_LONGEST = 160


@dataclass(frozen=True)
class Line:
    """A place in the user's source."""

    file: str
    line: int
    expression: str = ""


@functools.cache  # asked of every module and frame, again and again
def is_users(file: str) -> bool:
    """Whether a file is the user's own code: no library, not ours, not made up."""
    if file.startswith("<") or file.startswith(_OURS):
        return False
    real = os.path.realpath(file)
    return not any(real.startswith(library + os.sep) for library in _LIBRARIES)


def here() -> Line | None:
    """The innermost running line of the user's code."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    return None if frame is None else _line(frame)


def innermost(found: types.TracebackType | None) -> Line | None:
    """The last line of the user's code in a traceback."""
    last = None
    while found is not None:
        if is_users(found.tb_frame.f_code.co_filename):
            last = found
        found = found.tb_next
    if last is None:
        return None
    file = last.tb_frame.f_code.co_filename
    return Line(file, last.tb_lineno, linecache.getline(file, last.tb_lineno).strip()[:_LONGEST])


def of_traceback(lines: list[str]) -> Line | None:
    """The last line of the user's code in a traceback that autograd keeps as text."""
    for text in reversed(lines):
        head, _, rest = text.strip().partition("\n")
        parts = head.split('"')
        if len(parts) >= 3 and is_users(parts[1]):
            number = parts[2].removeprefix(", line ").partition(",")[0]
            if number.isdigit():
                source = rest.strip().partition("\n")[0]
                return Line(parts[1], int(number), source[:_LONGEST])
    return None


def _line(frame: types.FrameType) -> Line:
    file, line = frame.f_code.co_filename, frame.f_lineno
    return Line(file, line, _expression(frame) or linecache.getline(file, line).strip()[:_LONGEST])


def _expression(frame: types.FrameType) -> str:
    """The very expression that is being evaluated, where Python knows it (from 3.11 on)."""
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is None:
        return ""
    for place, (first, last, start, stop) in enumerate(positions()):
        if place * 2 == frame.f_lasti:
            if first is None or first != last or start is None or stop is None:
                return ""
            text = linecache.getline(frame.f_code.co_filename, first).encode()[start:stop].decode()
            return text.strip()[:_LONGEST]
    return ""


def name_of_loss() -> str | None:
    """The variable on which the user's code calls `backward`, None where there is no one name."""
    place = here()
    if place is None:
        return None
    source = linecache.getline(place.file, place.line).strip()
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        if isinstance(call.func, ast.Attribute) and "backward" in call.func.attr:
            inner: list[ast.AST] = [call.func.value, *call.args]
            names = [n.id for part in inner for n in ast.walk(part) if isinstance(n, ast.Name)]
            losses = [name for name in names if "loss" in name.lower() or "err" in name.lower()]
            return losses[0] if losses else None
    return None
