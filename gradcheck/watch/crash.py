"""Explains the exception that ended a script: what was asked of which operation, and of whom."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gradcheck.model import Message, Observation, Said, Where
from gradcheck.readers.text_messages import Listener
from gradcheck.watch import frames
from gradcheck.watch.replay.snapshot import Snapshots
from gradcheck.wording import number

_LONGEST = 300
_OUTSIDE = ("out of bounds", "index out of range", "not in the valid range")


def message(error: BaseException) -> Message:
    """What a log would say of it."""
    listener = Listener()
    for at, text in enumerate(_lines(error), 1):
        listener.take(at, text)
    said = listener.said
    text = "".join(traceback.format_exception_only(type(error), error)).strip()[-_LONGEST:]
    return Message(said[-1].said if said else Said.EXCEPTION, 0, text)


def _lines(error: BaseException) -> Iterator[str]:
    for block in traceback.format_exception(type(error), error, error.__traceback__):
        yield from block.rstrip("\n").split("\n")


def observations(error: BaseException, snapshots: Snapshots, step: int) -> Iterator[Observation]:
    """What the failing operation was given, where its replay shows it; else where it stands."""
    answer = snapshots.run(snapshots.ticks, {}) or {}
    found: Mapping[str, Any] = answer.get("crash") or {}
    line = frames.innermost(error.__traceback__)
    where = Where(
        "crash",
        found.get("module"),
        f"aten::{found['op']}" if found.get("op") else None,
        line.file if line else None,
        line.line if line else None,
        tuple(found["samples"]) if found.get("samples") else None,
    )
    key, statement = _told(str(error), found)
    if key is not None:
        at = f", at {Path(line.file).name}:{line.line}: {line.expression}" if line else ""
        yield Observation(key, statement + at, step, where=where)


def _told(text: str, found: Mapping[str, Any]) -> tuple[str | None, str]:
    arguments = [a for a in found.get("arguments", []) if isinstance(a, dict) and "low" in a]
    op = str(found.get("op", ""))
    whole = [a for a in arguments if "int" in str(a.get("dtype"))]
    asked = ""
    if whole:
        asked = f": {number(whole[0]['low'])} to {number(whole[0]['high'])} were asked for"
    if "out of bounds" in text and "Target" in text:
        return "target_outside_classes", f"a target is no class of the model ({text}){asked}"
    if "index out of range in self" in text or (op in ("embedding", "index_select") and whole):
        table = next((a for a in found.get("arguments", []) if isinstance(a, dict)), {})
        size = f" of a table of {table['shape'][0]} rows" if table.get("shape") else ""
        return "id_outside_table", f"an index lies outside of its table{asked}{size}"
    if "Expected more than 1 value per channel" in text:
        return "one_value_to_normalise", "a batch normalisation got one value per channel"
    if "between 0 and 1" in text:
        return "probability_outside_range", f"a loss refused its arguments: {text[:120]}"
    if any(words in text for words in _OUTSIDE):
        return "id_outside_table", f"an index lies outside of its table: {text[:120]}"
    return None, ""
