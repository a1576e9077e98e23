"""Turns the bytes of a text log into the lines that a terminal would have shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

LONGEST = 20_000
"""Characters kept of a line; what training prints is far shorter."""
BLOCK = 1 << 20
"""Bytes to read at a time, so that decoded lines never pile up."""
# The first control characters mark places in templates, and mean nothing in a text.
_WITHOUT_MARKS = bytes.maketrans(b"\x00\x01\x02", b"   ")
_COLOURS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
# What the cursor overwrote by moving back to the start of the line is a line of its own.
_REDRAWN = re.compile(r"[\r\x08]+")


def lines(blocks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """The lines of a log with their numbers, the first being 1.

    Colours are taken out. Where a progress bar was redrawn on one line, every state of it comes
    out under the same number. Empty lines come out as such: they end a paragraph.
    """
    number = 0
    rest = b""
    for block in blocks:
        pieces = (rest + block.translate(_WITHOUT_MARKS)).split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            number += 1
            yield from _shown(number, piece)
        # A line that never ends is cut: what is left of it is kept short.
        rest = rest if len(rest) < 64 * LONGEST else rest[-LONGEST:]
    if rest:
        yield from _shown(number + 1, rest)


def _shown(number: int, piece: bytes) -> Iterator[tuple[int, str]]:
    text = piece.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace")
    if "\x1b" in text:
        text = _COLOURS.sub("", text)
    if "\r" not in text and "\x08" not in text:
        yield number, text[:LONGEST]
        return
    states = [state for state in _REDRAWN.split(text) if state.strip()]
    for state in states or [""]:
        yield number, state[:LONGEST]
