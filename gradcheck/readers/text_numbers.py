"""Takes the numbers out of a line: what is left is the template by which it was printed."""

from __future__ import annotations

import re
from typing import NamedTuple

MARK = "\0"
"""Stands for a number in a template."""
MARK_OF = "\2"
"""Stands for a number and its total, as in `3/10`."""
PROGRESS = "\1"
"""Stands for a progress bar, which told how far the loop is."""

_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d*)?|\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
# "number of nan iterations" and "NaN or Inf found" speak of NaN and measure nothing.
_SPOKEN = (
    r"iter\w*|steps?|values?|loss\w*|grad\w*|or|and|in|is|was|are|count\w*|detect\w*|found|tensors?"
)
_NOT_FINITE = (
    rf"(?:(?:nan|inf(?:inity)?)(?!\s+(?:{_SPOKEN})\b)|(?<=[:=]\ )(?:nan|inf)|(?<=[:=])(?:nan|inf))"
)
# What is made of digits and no measurement, and then the numbers themselves.
_PARTS = re.compile(
    rf"""
      (?P<stamp>  (?<![\w.])\d{{4}}[-/.]\d\d?[-/.]\d\d?(?:[T\ _-]+\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?Z?)?(?![\w])
                | (?<![\w.])\d\d?[-/][A-Za-z]{{3}}[-/]\d{{4}}(?:[ :]\d\d:\d\d:\d\d)?
                | ^[IWEF]\d{{4}}\ \d\d:\d\d:\d\d[.\d]*\s+\d+
                | (?<![\w.:])\d+:\d\d(?::\d\d)?(?:[.,]\d+)?(?![\w:])
                | \b\d+h(?:\d+m)?(?:\d+s)?\b | \b\d+m\d+(?:\.\d+)?s\b )
    | (?P<place>  [\w./\\-]+\.(?:py|cc|cpp|cu|h|c|so)\b(?::\d+)*
                | (?:https?|file|s3|gs)://\S+
                | (?<![\w.])/(?:[\w.+-]+/)+[\w.+-]*
                | (?<![\w.])v?\d+\.\d+\.\d+(?:[.\w+-]*)
                | \bcuda:\d+ | \b0x[0-9a-fA-F]+\b
                | \b[0-9a-f]{{7,}}(?=[a-f0-9]*[a-f])[0-9a-f]*\b(?<=[a-z].) )
    | (?P<number> (?<![\w.@])(?<![A-Za-z]-)(?:(?<![\w)\]][-+])[-+])?(?:{_NUMBER}|{_NOT_FINITE}(?![A-Za-z_])) )
      (?P<unit>   \ ?%|[munµ]?s\b|(?:sec|secs|min|mins|h|x)\b|[KMGT]i?B?\b|k\b|it/s|s/it )?
      (?:\s*/\s*(?P<total>\d[\d,]*)(?![\w.]*/|\w))?
      (?![A-Za-z_\d])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# `10%|###   | 10/100 [00:10<01:30, 1.00s/it, loss=0.3]`, Keras' `10/100 [==>...] - ETA: 5s - `
_TQDM = re.compile(
    r"(?:\d+%\s*)?\|[^|\0]{0,400}\|\s*(?P<at>\d[\d,.]*[kMG]?)(?:/(?P<of>[\d,.]+[kMG]?|\?))?"
    r"\s*\[[\d:?]+(?:<[\d:, a-z?]+)?,\s*[\d.?]+\s*\S*/\S*(?P<more>,[^\]]*)?\]"
)
_KERAS = re.compile(
    r"^\s*(?P<at>\d+)/(?P<of>\d+|Unknown)\s*(?:\[[=>.]+\]|━[━ ╸╺]*)\s*(?:- )?(?:ETA: [\d:]+s?)?"
)
_WRAPPED = re.compile(
    r"\b(?:torch\.)?(?:tensor|array|Array|float\d*|np\.float\d+|numpy\.float\d+|np\.int\d+"
    r"|DeviceArray|Tensor)\(\s*\[*\s*([-+.\w]+)[^()]{0,200}\)"
)


class Number(NamedTuple):
    """A number of a line, and the total of `3/10` where it is one."""

    value: float
    total: float | None


class Skeleton(NamedTuple):
    """A line taken apart: its template, and its numbers in order."""

    template: str
    numbers: tuple[Number, ...]


def take_apart(line: str) -> Skeleton:
    """Replace the numbers of a line by marks; dates, clocks, paths and versions are dropped."""
    if "(" in line:
        line = _WRAPPED.sub(r"\1", line)
    line, progress = _without_bar(line)
    template: list[str] = []
    numbers: list[Number] = list(progress)
    end = 0
    for part in _PARTS.finditer(line):
        template.append(line[end : part.start()])
        end = part.end()
        if part.lastgroup in ("stamp", "place"):
            template.append(" | ")
            continue
        total = _total(part["total"])
        template.append(MARK if total is None else MARK_OF)
        numbers.append(Number(_value(part["number"]), total))
    template.append(line[end:])
    return Skeleton(" ".join("".join(template).split()), tuple(numbers))


def _without_bar(line: str) -> tuple[str, tuple[Number, ...]]:
    bar = (_TQDM.search(line) if "|" in line else None) or _KERAS.match(line)
    if bar is None:
        return line, ()
    more = bar.groupdict().get("more") or ""
    rest = f"{line[: bar.start()]} {PROGRESS} {more} {line[bar.end() :]}"
    # The bar's own number comes first in the list: whatever stands before it in the line is a
    # description, whose numbers follow.
    return rest, (Number(_value(bar["at"]), _total(bar["of"])),)


_SUFFIX = {"k": 1e3, "m": 1e6, "g": 1e9}


def _value(text: str) -> float:
    scale = _SUFFIX.get(text[-1].lower(), 1.0)
    digits = text[:-1] if scale > 1.0 else text
    try:
        return float(digits.replace(",", "")) * scale
    except ValueError:
        return float("nan")


def _total(text: str | None) -> float | None:
    return _value(text) if text and text[0].isdigit() else None
