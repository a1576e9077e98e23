"""Makes rows of the metrics of a JSON document that lie apart, each a list or keyed by its step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from gradcheck.model import Role
from gradcheck.readers import role_names
from gradcheck.readers.json_cells import printable
from gradcheck.readers.table import Cell, Table, TableBuilder
from gradcheck.readers.table_steps import is_step_name

_LOSSES = frozenset({Role.LOSS, Role.VALIDATION_LOSS})


def golden_points(tag: Mapping[str, object]) -> dict[int, Cell]:
    """The points of a tag in Megatron's golden values, where "nan" is an iteration left out."""
    values = tag["values"]
    if isinstance(values, list):
        start, stride = _whole(tag.get("start_step"), 0), _whole(tag.get("step_interval"), 1)
        return {start + stride * i: value for i, value in enumerate(values) if _is_there(value)}
    if isinstance(values, dict):
        return {
            int(step): value
            for step, value in values.items()
            if _is_there(value) and step.isascii() and step.isdigit() and len(step) <= 18
        }
    return {}


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) else default


def _is_there(value: object) -> bool:
    return value != "nan" and isinstance(value, (int, float, str))


def of_points(metrics: Mapping[str, Mapping[int, Cell]]) -> Table:
    """A row for each step that any metric has; pandas keys the steps themselves by row."""
    rows: dict[int, dict[str, Cell]] = {}
    for name, points in metrics.items():
        for key, value in points.items():
            rows.setdefault(key, {})[printable(name)] = value
    numbered = not any(is_step_name(name) for name in metrics)
    builder = TableBuilder()
    for index, (key, cells) in enumerate(sorted(rows.items())):
        builder.add(index + 1, {"step": key, **cells} if numbered else cells)
    return builder.finish()


def of_lists(columns: Mapping[str, list[Cell]]) -> tuple[Table, tuple[str, ...]]:
    """A row for each place in the lists; the shorter ones are spread evenly over the longest.

    A loop that appends each training loss and one validation loss an epoch leaves such lists.
    """
    lengths = _lengths(columns)
    longest = max(lengths)
    kept = {name: values for name, values in columns.items() if len(values) in lengths}
    counted = any(is_step_name(name) and len(v) == longest for name, v in kept.items())
    rows: list[dict[str, Cell]] = [{} for _ in range(longest)]
    if not counted:
        unit = "epoch" if _is_by_epoch(kept) else "step"
        rows = [{unit: index} for index in range(longest)]
    notes = []
    for name, values in kept.items():
        if len(values) < longest and is_step_name(name):
            continue
        for index, value in enumerate(values):
            rows[(index + 1) * longest // len(values) - 1][printable(name)] = value
        if len(values) < longest:
            notes.append(f"{name!r} has {len(values)} values to {longest}: spread evenly over them")
    builder = TableBuilder()
    for index, row in enumerate(rows):
        builder.add(index + 1, row)
    return builder.finish(), tuple(notes)


def _lengths(columns: Mapping[str, list[Cell]]) -> set[int]:
    """The lengths that the losses have, or the commonest length where no list is one."""
    losses = {len(v) for name, v in columns.items() if role_names.meaning(name).role in _LOSSES}
    return losses or {Counter(map(len, columns.values())).most_common(1)[0][0]}


def _is_by_epoch(columns: Mapping[str, list[Cell]]) -> bool:
    """Whether losses of training and of validation are as many, as in Keras' `History`."""
    lengths = {(role_names.meaning(name).role, len(values)) for name, values in columns.items()}
    return any(
        (Role.VALIDATION_LOSS, length) in lengths for role, length in lengths if role is Role.LOSS
    )
