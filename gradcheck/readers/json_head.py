"""Judges by its first bytes whether a JSON file is a log, and of which layout."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from gradcheck.model import Role
from gradcheck.readers import role_names
from gradcheck.readers.base import Candidate
from gradcheck.readers.json_cells import flat_cells, without_lists_of_objects
from gradcheck.readers.json_text import record_at, start_of_record, text_of
from gradcheck.readers.table import number
from gradcheck.readers.table_steps import is_step_name

_FULL = 4096
_TELLING = frozenset(
    {Role.LOSS, Role.VALIDATION_LOSS, Role.GRAD_NORM, Role.LAYER_GRAD_NORM, Role.LOSS_SCALE}
)
_COUNTERS = frozenset({"step", "steps", "epoch", "epochs", "iteration", "iterations", "iter"})
_LOG_WORDS = role_names.LOSS | {
    "log",
    "logs",
    "history",
    "metrics",
    "progress",
    "scalars",
    "result",
}
_SETTING_WORDS = frozenset({"config", "cfg", "args", "schema", "package", "tokenizer", "index"})
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def sounds_like_log(candidate: Candidate) -> bool:
    """Whether a user who names a file so would expect it to be read."""
    words = set(role_names.tokens(candidate.path.stem))
    return bool(words & _LOG_WORDS) and not words & _SETTING_WORDS


def records_in(head: bytes) -> tuple[list[dict[str, object]], int, bool]:
    """The whole lines at the start of a file that are records, how many are not, if any is cut."""
    lines = text_of(head).split("\n")
    cut = len(head) >= _FULL
    whole = [line for line in (lines[:-1] if cut else lines) if line.strip("\0 \t\r\ufeff")]
    records = [record for record in map(_record, whole) if record is not None]
    return records, len(whole) - len(records), cut


def _record(line: str) -> dict[str, object] | None:
    start = start_of_record(line)
    try:
        return record_at(line, start)[0] if start >= 0 else None
    except ValueError:
        return None


def is_of_log(record: Mapping[str, object]) -> bool:
    """Whether a record counts something and holds another number, or holds a loss."""
    cells = flat_cells(without_lists_of_objects(record))
    names = [name for name, cell in cells if _is_number(cell)]
    if any(role_names.meaning(name).role in _TELLING for name in names):
        return True
    return len(names) > 1 and any(is_step_name(name) for name in names)


def _is_number(cell: object) -> bool:
    return number(cell) is not None if isinstance(cell, str) else cell is not None


def has_columns_of_log(head: bytes) -> bool:
    """Whether a document's first bytes show losses or steps that are there many times over.

    Such is a loss that is a list of numbers, an object with numbers for keys, or a member of the
    objects in a list.
    """
    return any(_tells(*found) for found in _keys(text_of(head)))


def names_in(head: bytes) -> Iterator[str]:
    """The keys in the first bytes of a record whose end is not among them."""
    return (name for name, _, _ in _keys(text_of(head)))


def is_telling(names: Iterable[str]) -> bool:
    """Whether one of the names is that of a loss or of a gradient norm."""
    return any(role_names.meaning(name).role in _TELLING for name in names)


def _tells(name: str, in_list: bool, value: str) -> bool:
    telling = role_names.meaning(name).role in _TELLING
    if not in_list:
        return telling and value in ("[0", '{"0')
    counts = is_step_name(name) and bool(_COUNTERS.intersection(role_names.tokens(name)))
    return value == "0" and (telling or counts)


def _keys(text: str) -> Iterator[tuple[str, bool, str]]:
    """Each key with whether a list holds its object, and the beginning of its value.

    The beginning is `[0` for a list of numbers, `{"0` for an object with numbers for keys, `0`
    for a number.
    """
    tokens = [match[0] for match in _TOKEN.finditer(text)]
    opened: list[str] = []
    for index, (token, after) in enumerate(pairwise(tokens)):
        if token in "{[":
            opened.append(token)
        elif token in "}]" and opened:
            opened.pop()
        elif after == ":" and token.startswith('"') and opened[-1:] == ["{"]:
            yield token[1:-1], "[" in opened, _beginning(tokens[index + 2 : index + 4])


def _beginning(tokens: list[str]) -> str:
    if not tokens:
        return ""
    if tokens[0] in "{[":
        inner = tokens[1].strip('"') if len(tokens) > 1 else ""
        quote = '"' if tokens[0] == "{" else ""
        return tokens[0] + quote + "0" if number(inner) is not None else tokens[0]
    return "0" if number(tokens[0].strip('"')) is not None else tokens[0]
