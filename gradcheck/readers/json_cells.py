"""Flattens one JSON record, however it is nested, into the cells of a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradcheck.readers.table import Cell

_LONGEST_NAME = 300
_WIDEST = 100_000
_SHORT_LIST = 8
_MEAN = {"num", "mean", "std"}  # StyleGAN and EDM log each metric as such a triple
_PLAIN = frozenset({float, int, bool, str, type(None)})
_Members = tuple[str, Iterator[tuple[str, object]]]
"""What the names of some cells begin with, and the rest of each name with its value."""


def flat_cells(record: Mapping[str, object]) -> list[tuple[str, Cell]]:
    """The cells of a record: names of nested objects are joined with "/"."""
    return list(flatten(record)[0].items())


def without_lists_of_objects(record: Mapping[str, object]) -> dict[str, object]:
    """A record less what it lists: in a log its agents or heads, in other data whatever it has."""
    return {name: value for name, value in record.items() if not _is_list_of_objects(value)}


def is_flat(record: Mapping[str, object]) -> bool:
    """Whether the values of a record are its cells."""
    return _PLAIN.issuperset(map(type, record.values()))


def flatten(record: Mapping[str, object]) -> tuple[dict[str, Cell], int]:
    """The cells of a record, and how many of its values were too deep or too many to be kept.

    A list of one value stands for the value, a list of up to 8 numbers for cells called `name/0`,
    `name/1`, …, one of up to 8 objects for the numbers in each of them, `name/0/loss` and so on.
    Longer lists, lists of anything else and W&B's media are no metrics.
    """
    cells: dict[str, Cell] = {}
    left_out = 0
    stack = [_of_object("", record)]
    while stack:
        prefix, members = stack[-1]
        for key, value in members:
            name = prefix + key
            if len(name) > _LONGEST_NAME or len(cells) >= _WIDEST:
                left_out += 1
                continue
            inner = None if type(value) in _PLAIN else _members(name, value)
            if inner is None:
                cells[printable(name)] = _cell(value)
            else:
                stack.append(inner)
                break
        else:
            stack.pop()
    return cells, left_out


def _members(name: str, value: object) -> _Members | None:
    if isinstance(value, dict):
        if value.keys() == _MEAN:
            # The mean of no numbers is written as NaN.
            return name, iter([("", value["mean"])] if value["num"] else [])
        return ("", iter(())) if "_type" in value else _of_object(name, value)
    if isinstance(value, list):
        return _of_list(name, value)
    return None


def _of_object(name: str, members: Mapping[str, object]) -> _Members:
    return f"{name}/" if name else "", iter(members.items())


def _of_list(name: str, values: list[object]) -> _Members:
    if _is_list_of_objects(values):
        return f"{name}/", _of_objects(values)
    if len(values) == 1:
        return name, iter([("", values[0])])
    if len(values) > _SHORT_LIST or not all(isinstance(value, (int, float)) for value in values):
        return "", iter(())
    return f"{name}/", ((str(index), value) for index, value in enumerate(values))


def _is_list_of_objects(value: object) -> bool:
    if not isinstance(value, list) or not 1 < len(value) <= _SHORT_LIST:
        return False
    return all(isinstance(one, dict) for one in value)


def _of_objects(values: list[object]) -> Iterator[tuple[str, object]]:
    """The numbers in the objects of a list; their texts and what is inside them say nothing."""
    for index, value in enumerate(values):
        for key, inner in value.items() if isinstance(value, dict) else ():
            if inner is None or isinstance(inner, (int, float)):
                yield f"{index}/{key}", inner


def _cell(value: object) -> Cell:
    return printable(value) if isinstance(value, str) else value  # type: ignore[return-value]


def printable(text: str) -> str:
    """The text without the halves of characters that JSON can spell and no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
