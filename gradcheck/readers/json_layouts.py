"""Finds the rows of a log in a JSON document: records, columns, or points keyed by their step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import TypeGuard

from gradcheck.errors import NotALog
from gradcheck.readers import json_columns
from gradcheck.readers.json_cells import flat_cells
from gradcheck.readers.json_head import is_of_log
from gradcheck.readers.json_settings import NAMES as SETTINGS
from gradcheck.readers.table import Cell, Table, TableBuilder, number
from gradcheck.readers.table_steps import is_step_name

_SAMPLE = 32
_LONGEST_NAME = 300
_NUMBERED = re.compile(r"(?:(?P<counter>[A-Za-z]+)[ _-]?)?(?P<number>\d{1,18})$")
Row = dict[str, object]


@dataclass
class _Parts:
    """What a document holds, each with the names of the objects around it."""

    records: dict[str, list[Row]] = field(default_factory=dict)
    columns: dict[str, list[Cell]] = field(default_factory=dict)
    points: dict[str, dict[int, Cell]] = field(default_factory=dict)


def rows_of(document: object, name: str) -> tuple[Table, tuple[str, ...]]:
    """The rows of a log and what is to be said about them; `name` is that of a lone metric.

    Raises:
        NotALog: the document has no rows.
    """
    if _is_download(document):
        return _downloaded(document, name), ()
    # A bare list of numbers is called by its file: `losses.json`.
    parts = _parts({name: document} if _is_bare(document) else document)
    logs = {name: rows for name, rows in parts.records.items() if _is_log(rows)}
    if logs:
        return _of_records(logs), ()
    if parts.points:
        return json_columns.of_points(parts.points), ()
    if parts.columns:
        return json_columns.of_lists(parts.columns)
    raise NotALog(_what_it_is(document, parts))


def settings_of(document: object) -> dict[str, object]:
    """The settings that a document names as such."""
    if not isinstance(document, dict):
        return {}
    named = {key: value for key, value in document.items() if key.lower() in SETTINGS}
    return {name: cell for name, cell in flat_cells(named) if cell is not None}


def _is_download(document: object) -> bool:
    """Whether it is TensorBoard's "Download JSON": [[wall time, step, value], …]."""
    if not isinstance(document, list) or not document:
        return False
    return all(isinstance(row, list) and len(row) == 3 for row in document) and isinstance(
        document[0][1], (int, float)
    )


def _is_bare(document: object) -> bool:
    return isinstance(document, list) and not any(isinstance(one, dict) for one in document)


def _downloaded(document: object, name: str) -> Table:
    builder = TableBuilder()
    assert isinstance(document, list)
    for index, row in enumerate(document):
        cells = zip(("wall_time", "step", name), row, strict=True)
        builder.add(index + 1, flat_cells(dict(cells)))
    return builder.finish()


def _parts(document: object) -> _Parts:
    parts = _Parts()
    stack: list[tuple[str, object]] = [("", document)]
    while stack:
        name, value = stack.pop()
        if len(name) > _LONGEST_NAME:
            continue
        if isinstance(value, list):
            _sort_list(parts, name, value)
        elif isinstance(value, dict) and not _sort_object(parts, name, value):
            members = [
                (f"{name}/{key}" if name else key, member)
                for key, member in value.items()
                if isinstance(member, (dict, list)) and key.lower() not in SETTINGS
            ]
            stack.extend(reversed(members))
    return parts


def _sort_list(parts: _Parts, name: str, values: list[object]) -> None:
    cells = [value for value in values if _is_cell(value)]
    if len(values) == len(cells) > 1:
        parts.columns[name] = cells
    rows = [value for value in values if isinstance(value, dict)]
    if rows and 2 * len(rows) > len(values):
        parts.records[name] = rows


def _is_cell(value: object) -> TypeGuard[Cell]:
    if isinstance(value, str):
        return len(value) < 64 and number(value) is not None
    return value is None or isinstance(value, (int, float))


def _sort_object(parts: _Parts, name: str, value: Mapping[str, object]) -> bool:
    """Keep an object that is a log by itself; False where one may be inside."""
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):
        if frame := list(_split_frame(value)):
            parts.records[name] = frame
        return True
    if "values" in value and "start_step" in value:
        parts.points[name] = json_columns.golden_points(value)
        return True
    numbers = _numbers(value) if len(value) > 1 else None
    if numbers is None:
        return False
    counter, keys = numbers
    members = list(value.values())
    cells = [member for member in members if _is_cell(member)]
    if len(cells) == len(members):
        parts.points[name] = dict(zip(keys, cells, strict=True))
    elif all(isinstance(member, dict) for member in members):
        rows = sorted(zip(keys, members, strict=True), key=lambda row: row[0])
        parts.records[name] = [_with_counter(row, counter, key) for key, row in rows]
    return True


def _numbers(value: Mapping[str, object]) -> tuple[str, list[int]] | None:
    """The numbers that all keys of an object are, and what they count: `epoch_1`, `epoch_2`, …"""
    found = []
    for key in value:
        match = _NUMBERED.match(key)
        if match is None:
            return None
        found.append((match["counter"] or "", int(match["number"])))
    counters = {counter for counter, _ in found}
    counter = counters.pop()
    if counters or (counter and not is_step_name(counter)):
        return None
    return counter or "step", [key for _, key in found]


def _with_counter(row: object, counter: str, key: int) -> Row:
    assert isinstance(row, dict)
    return row if any(is_step_name(name) for name in row) else {counter: key, **row}


def _split_frame(value: Mapping[str, object]) -> Iterator[Row]:
    """The rows of a frame that pandas wrote with `orient="split"`."""
    names, data = value["columns"], value["data"]
    assert isinstance(names, list) and isinstance(data, list)
    for row in data:
        if isinstance(row, list) and len(row) == len(names):
            yield {str(name): cell for name, cell in zip(names, row, strict=True)}


def _is_log(rows: Iterable[Row]) -> bool:
    return any(is_of_log(row) for row in islice(rows, _SAMPLE))


def _of_records(logs: Mapping[str, list[Row]]) -> Table:
    builder = TableBuilder()
    if len(logs) == 1:
        (rows,) = logs.values()
        for index, row in enumerate(rows):
            builder.add(index + 1, flat_cells(row))
        return builder.finish()
    named = [row for name, rows in logs.items() for row in _prefixed(name, rows)]
    for index, cells in enumerate(_in_order(named, list(map(len, logs.values())))):
        builder.add(index + 1, cells)
    return builder.finish()


def _prefixed(name: str, rows: Iterable[Row]) -> Iterator[dict[str, Cell]]:
    for row in rows:
        yield {c if is_step_name(c) else f"{name}/{c}": value for c, value in flat_cells(row)}


def _in_order(rows: list[dict[str, Cell]], lengths: list[int]) -> list[dict[str, Cell]]:
    """The rows of several lists, interleaved by the counter that all of them have."""
    counters = [name for name in rows[0] if all(_counts(row, name) for row in rows)]
    counters = [name for name in counters if is_step_name(name)]
    if not counters:
        return rows
    counts = [float(row[counters[0]] or 0) for row in rows]
    starts = [sum(lengths[:index]) for index in range(1, len(lengths))]
    rising = all(
        one <= other for i, (one, other) in enumerate(pairwise(counts)) if i + 1 not in starts
    )
    order = sorted(range(len(rows)), key=counts.__getitem__) if rising else range(len(rows))
    return [rows[index] for index in order]


def _counts(row: Mapping[str, Cell], name: str) -> bool:
    return isinstance(row.get(name), (int, float))


def _what_it_is(document: object, parts: _Parts) -> str:
    if parts.records:
        name, rows = next(iter(parts.records.items()))
        keys = ", ".join(list(rows[0])[:8])
        return f"records without a step, an epoch or a loss{name and f' under {name!r}'}: {keys}"
    if isinstance(document, dict):
        keys = ", ".join(list(document)[:8]) + (", …" if len(document) > 8 else "")
        return f"a JSON document, but no log: it lists nothing over steps or epochs; it has: {keys}"
    return "a JSON document, but no log: it lists nothing over steps or epochs"
