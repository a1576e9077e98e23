"""Turns the bytes of a text log into the lines that a terminal would have shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

LONGEST = 20_000
"""Characters kept of a line; what training prints is far shorter."""
BLOCK = 1 << 20
"""Bytes to read at a time, so that decoded lines never pile up."""
# The first control characters mark places in templates, and mean nothing in a text.
_WITHOUT_MARKS = bytes.maketrans(b"\x00\x01\x02", b"   ")
_COLOURS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# What is left of colours where a terminal or a web page swallowed the escape before them.
_BARE_COLOURS = re.compile(r"\[(?:\d{1,3}(?:;\d{1,3})*)?m")
_BACK = re.compile(r"\x08+")


class Line(NamedTuple):
    """What a terminal showed in one place at one time."""

    number: int
    """From 1 on; a carriage return ends a line as well."""
    place: int
    """The same for all that was drawn over one another."""
    text: str


def lines(blocks: Iterable[bytes]) -> Iterator[Line]:
    """The lines of a log.

    Colours are taken out. Every state of a progress bar that was redrawn is a line of its own, as
    it is for an editor that lets a carriage return end a line: their numbers tell what came first.
    Empty lines come out as such, since they end a paragraph; empty states do not.
    """
    number, place = 1, 0
    rest = b""
    for block in blocks:
        pieces = (rest + block.translate(_WITHOUT_MARKS)).split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            states, place = _states(piece, number), place + 1
            yield from _shown(states, number, place)
            number += len(states)
        # A line that never ends is cut: what is left of it is kept short.
        rest = rest if len(rest) < 64 * LONGEST else rest[-LONGEST:]
    if rest:
        yield from _shown(_states(rest, number), number, place + 1)


def _states(piece: bytes, number: int) -> list[str]:
    """What one line of the file showed, one state after another."""
    text = piece.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace")
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    elif "[0m" in text:
        text = _BARE_COLOURS.sub("", text)
    if "\r" not in text and "\x08" not in text:
        return [text]
    return text.removesuffix("\r").split("\r")


def _shown(states: Sequence[str], number: int, place: int) -> Iterator[Line]:
    told = False
    for at, state in enumerate(states, start=number):
        # what is written over by stepping back was shown too
        for text in _BACK.split(state):
            if text.strip():
                told = True
                yield Line(at, place, text[:LONGEST])
    if not told:
        yield Line(number, place, "")
