"""Decodes JSON from strangers: whatever its lengths, its depth and its digits."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

from gradcheck.errors import NotALog

_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 24
_LARGEST_DOCUMENT = 512 << 20
_LONGEST_INTEGER = 19
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# What a crash, a terminal or a text sequence (RFC 7464) leaves before a record.
_NOISE = " \t\r\n\0\x1e\ufeff"

_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)

TOO_DEEP = "nested too deeply to be a log"


def _integer(digits: str) -> int | float:
    # `int` takes quadratic time, and refuses more than 4300 digits.
    return int(digits) if len(digits) <= _LONGEST_INTEGER else float(digits)


_decode_numbers = json.JSONDecoder(parse_int=float).raw_decode
_decode_exactly = json.JSONDecoder(parse_int=_integer).raw_decode


def text_of(data: bytes) -> str:
    """The text of a file, or of its first bytes."""
    encoding = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    return data.decode(encoding, errors="replace")


def lines_of(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file, each with its number, the first being 1; an endless one in pieces."""
    with file.open("rb") as opened:
        encoding = "utf-16" if opened.read(2) in _UTF16 else "utf-8-sig"
    number, rest = 1, ""
    with file.open(encoding=encoding, errors="replace", newline="\n") as text:
        for block in iter(functools.partial(text.read, _BLOCK), ""):
            *lines, rest = (rest + block).split("\n")
            yield from enumerate(lines, number)
            number += len(lines)
            if len(rest) > _LONGEST_LINE:
                yield number, rest
                rest = ""
    yield number, rest


def start_of_record(line: str, after: int = 0) -> int:
    """Where in a line a record begins after a place, -1 where none does."""
    if line.startswith("{", after):
        return after
    # A progress bar is overwritten by what follows the last carriage return.
    start = max(line.rstrip().rfind("\r") + 1, after)
    stripped = line[start:].lstrip(_NOISE)
    return len(line) - len(stripped) if stripped.startswith("{") else -1


def record_at(line: str, start: int) -> tuple[dict[str, object], int]:
    """The record that begins at a place of a line, all its numbers floats, and where it ends.

    Raises:
        ValueError: it is no whole JSON object; the message says why.
    """
    try:
        record, end = _decode_numbers(line, start)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    return record, end


def cut_document_of(file: Path) -> object | None:
    """What a JSON value holds whose end is missing, as of a run that was killed while it wrote.

    None where it is broken in another way, or nothing in it is whole.
    """
    if file.stat().st_size > _LARGEST_DOCUMENT:
        return None
    text = text_of(file.read_bytes()).lstrip(_NOISE)
    closing: list[str] = []
    whole = ""
    for found in _STRUCTURE.finditer(text):
        sign = found[0]
        if sign in "[{":
            closing.append("]" if sign == "[" else "}")
        elif sign in "]}" and (not closing or closing.pop() != sign):
            return None
        elif sign == ",":
            end, whole = found.start(), "".join(reversed(closing))
        if not closing and sign in "]}":
            return None  # it has an end: something else is wrong
    try:
        return _decode_exactly(text[:end] + whole)[0] if whole else None
    except (RecursionError, ValueError):
        return None


def document_of(file: Path) -> tuple[object, bool]:
    """The JSON value with which a file begins, and whether more follows it.

    Raises:
        NotALog: the file is too large, or does not begin with a JSON value.
    """
    size = file.stat().st_size
    if size > _LARGEST_DOCUMENT:
        raise NotALog(
            f"a JSON document of {size >> 20} MB; documents are read up to"
            f" {_LARGEST_DOCUMENT >> 20} MB, JSON lines of any size"
        )
    text = text_of(file.read_bytes())
    start = len(text) - len(text.lstrip(_NOISE))
    try:
        document, end = _decode_exactly(text, start)
    except RecursionError:
        raise NotALog(TOO_DEEP, broken=True) from None
    except ValueError as error:
        raise NotALog(f"not valid JSON: {error}", broken=True) from None
    return document, bool(text[end : end + _LONGEST_LINE].strip(_NOISE))
