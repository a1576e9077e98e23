"""Takes the numbers out of a line: what is left is the template by which it was printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MARK = "\0"
"""Stands for a number in a template."""
MARK_OF = "\2"
"""Stands for a number and its total, as in `3/10`."""
PROGRESS = "\1"
"""Stands for a progress bar, which told how far the loop is."""

_DIGITS = r"(?:\d+(?:,\d{3})*(?!\d)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_RUN = re.compile(
    rf"((?<![\w.@])(?<![A-Za-z]/)[-+]?(?:{_DIGITS}|(?:nan|inf(?:inity)?)(?![A-Za-z_]))"
    r"(?:\s?/\s?\d+(?![\w.]*/))?)",
    re.IGNORECASE,
)
# "number of nan iterations" and "NaN or Inf found" speak of NaN and measure nothing.
_SPOKEN = (
    r"iter\w*|steps?|values?|loss\w*|grad\w*|or|and|in|is|was|are|count\w*|detect\w*|found"
    r"|tensors?"
)
_NUMBER_NEXT = r"(?!\s+(?:[-+]?[\d.]|[-+]?nan\b|[-+]?inf\b))"
_NOT_FINITE = (
    r"(?:(?<=[:=]\ )|(?<=[:=])|(?<!\bof\ )(?<!\bno\ )(?<!\bor\ )(?<!\band\ )"
    rf"(?!\w+\s+(?:{_SPOKEN})\b{_NUMBER_NEXT}))"
    r"(?:nan|inf(?:inity)?)"
)
# What is made of digits and no measurement, and then the numbers themselves.
_PARTS = re.compile(
    rf"""
      (?P<stamp>  (?<![\w.])\d{{4}}[-/.]\d\d?[-/.]\d\d?
                      (?:[T\ _-]+\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)?)?(?!\w)
                | (?<![\w.])\d\d[-/.]\d\d(?:[-/.]\d{{2,4}})?\ \d\d:\d\d(?::\d\d)?(?:[.,]\d+)?
                      (?![\w:])
                | (?<!\w)(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\ )?
                      (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ \d\d?\ \d\d:\d\d:\d\d
                      (?:\ \d{{4}}\b|\ [\w.-]+\ [\w./-]+\[\d+\]:)?
                | (?<![\w.])\d\d?[-/][A-Za-z]{{3}}[-/]\d{{4}}(?:[ :]\d\d:\d\d:\d\d)?
                | ^[IWEF]\d{{4}}\ \d\d:\d\d:\d\d[.\d]*\ \d+
                | (?<![\w.:])\d+:\d\d?(?::\d\d?)?(?:[.,]\d+)?(?![\w:])
                | \b\d+h(?:\d+m)?(?:\d+s)?\b | \b\d+m\d+(?:\.\d+)?s\b )
    | (?P<place>  (?<![\w./\\=-])[\w./\\=-]+\.(?:py|cc|cpp|cu|h|c|so|pth?|ckpt|bin
                      |safetensors|h5|keras|csv|jsonl?|txt|log|npy|npz|png|tar|gz|zip|yaml)\b(?::\d+)*
                | \b(?:GET|POST|PUT|HEAD)\ \S+
                | (?:https?|file|s3|gs)://\S+
                | (?<![\w.])(?:node|host|rank|gpu)\d+:\d+(?!\S)
                | (?<![\w.:>])[A-Za-z_]\w*(?:[.:][A-Za-z_<]\w*>?){{1,12}}:\d+(?![\w.])
                | (?<![\w.])/(?:[\w.+-]+/)+[\w.+-]*
                | (?<![\w.])v?\d+\.\d+\.\d+(?:[.\w+-]*)
                | \bcuda:\d+ | \b0x[0-9a-fA-F]+\b )
    | (?P<number> (?<![\w.@])(?<![A-Za-z]-)[-+]?(?:{_DIGITS}|{_NOT_FINITE}(?![A-Za-z_])) )
      (?:\ ?%|[munµ]?s\b|(?:sec|secs|min|mins|h|x)\b|[KMGT]i?B?\b|k\b|it/s|s/it)?
      (?P<of>\s?/\s?\d+(?![\w.]*/|\w))?
      (?![A-Za-z_\d])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# `10%|###   | 10/100 [00:10<01:30, 1.00s/it, loss=0.3]`, Keras' `10/100 [==>...] - ETA: 5s - `
BAR = re.compile(
    r"(?:\d{1,9}%\s*)?\|[^|\0]{0,400}\|\s*(?P<at>\d[\d,.]*)[kMG]?(?:/(?:[\d,.]+[kMG]?|\?))?"
    r"\s*\[[\d:?]+(?:<[\d:, a-z?]+)?,\s*[\d.?]+\s*\S*/\S*?(?=[,\]])"
)
_KERAS = re.compile(
    r"^\s*(?P<at>\d+)/(?:\d+|Unknown)\s*(?:\[[=>.]*\]|━[━ ╸╺]*)\s*(?:- )?(?:ETA: [\d:]+s?)?"
)
# What a bar is drawn with; two states of it shall have one template.
_DRAWN = re.compile(r"(?<=%)\|[^|]{0,400}\||\[[=>.]{4,}\]|━[━ ╸╺]*")
_WRAPPED = re.compile(
    r"\b(?:torch\.)?(?:tensor|array|Array|float\d*|np\.float\d+|numpy\.float\d+|np\.int\d+"
    r"|DeviceArray|Tensor)\(\s*\[*\s*([-+.\w]+)[^()]{0,200}\)"
)


# Full-width signs, as they stand in Chinese and Japanese texts.
_WIDE = str.maketrans(
    {"：": ": ", "，": ", ", "；": "; ", "（": "(", "）": ")", "＝": "=", "％": "%"}
)
# `step_120: loss_-0.25`; but `loss_1: 0.5` is the first of several.
_GLUED_STEP = re.compile(r"([Ss]tep|[Ii]ter|[Ii]teration|[Ee]poch)_(?=\d+\s?[:,])")
_GLUED_LOSS = re.compile(r"loss_(?<![\w./-]loss_)(?=[-+]?\d+\.\d)")
# `1.#IND`, as Microsoft's C library once printed what is no number.
_OLD_WINDOWS = re.compile(r"(?<![\w.])([-+]?)1\.#(IND|QNAN|SNAN|INF)\w*")


class Split(NamedTuple):
    """A line as the texts between its runs of digits, and the runs."""

    line: str
    key: str
    runs: Sequence[str]


class Template(NamedTuple):
    """A line with marks for its numbers, and which run of digits each mark stands for."""

    text: str
    runs: tuple[int, ...]
    """One for each mark in order; that of the progress bar, where there is one, comes first."""


def split(line: str) -> Split:
    """Cut a line at its runs of digits; quick, and the same for all lines of one statement."""
    line = " ".join(line.split())
    if not line.isascii():
        line = line.translate(_WIDE)
    if "#" in line:
        line = _OLD_WINDOWS.sub(_plainly, line)
    if "_" in line[:10]:
        line = _GLUED_STEP.sub(r"\1 ", line, count=1) if _GLUED_STEP.match(line) else line
    if "loss_" in line:
        line = _GLUED_LOSS.sub("loss ", line)
    if "%|" in line or "[=" in line or "[>" in line or "[." in line or "━" in line:
        line = _DRAWN.sub(_bar_art, line)
    parts = _RUN.split(line)
    return Split(line, MARK.join(parts[::2]), parts[1::2])


def _plainly(old: re.Match[str]) -> str:
    return old[1] + ("inf" if old[2] == "INF" else "nan")


def _bar_art(drawn: re.Match[str]) -> str:
    return "||" if drawn[0][0] == "|" else "[====]"


def value(run: str) -> tuple[float, float | None]:
    """The number that a run of digits spells, and its total where it has one."""
    part, slash, total = run.partition("/")
    try:
        return float(part.replace(",", "")), float(total) if slash else None
    except ValueError:
        return float("nan"), None


def template(line: Split) -> Template:
    """Replace the numbers of a line by marks; dates, clocks, paths and versions are dropped."""
    text = _WRAPPED.sub(_unwrapped, line.line) if "(" in line.line else line.line
    starts = _starts(line)
    bar = (BAR.search(text) if "|" in text else None) or _KERAS.match(text)
    runs: list[int] = []
    if bar is not None:
        runs += [starts.get(bar.start("at"), -1)]
        text = _over(text, bar, PROGRESS)
    pieces = list(_pieces(text, starts, runs))
    return Template(" ".join("".join(pieces).split()), tuple(runs))


def _pieces(text: str, starts: dict[int, int], runs: list[int]) -> Iterator[str]:
    end = 0
    for part in _PARTS.finditer(text):
        yield text[end : part.start()]
        end = part.end()
        if part.lastgroup in ("stamp", "place"):
            yield " | "
            continue
        runs.append(starts.get(part.start("number"), -1))
        yield MARK_OF if part["of"] else MARK
    yield text[end:]


def _starts(line: Split) -> dict[int, int]:
    """Where in the line each run begins."""
    return {found.start(): index for index, found in enumerate(_RUN.finditer(line.line))}


def _unwrapped(wrapped: re.Match[str]) -> str:
    """A wrapped number alone, where it stood."""
    before = wrapped.start(1) - wrapped.start()
    return (" " * before + wrapped[1]).ljust(len(wrapped[0]))


def _over(text: str, bar: re.Match[str], mark: str) -> str:
    return text[: bar.start()] + mark.ljust(bar.end() - bar.start()) + text[bar.end() :]
