"""Flattens one JSON record, however it is nested, into the cells of a row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradcheck.readers.table import Cell

_LONGEST_NAME = 300
_LONGEST_TEXT = 400  # a longer text spells no number and names no split
_WIDEST = 100_000
_SHORT_LIST = 8
_MEAN = {"num", "mean", "std"}  # StyleGAN and EDM log each metric as such a triple
_Members = Iterator[tuple[str, object]]


def flat_cells(record: Mapping[str, object]) -> list[tuple[str, Cell]]:
    """The cells of a record: names of nested objects are joined with "/"."""
    return flatten(record)[0]


def flatten(record: Mapping[str, object]) -> tuple[list[tuple[str, Cell]], int]:
    """The cells of a record, and how many of its values were too deep or too many to be kept.

    A list of one value stands for the value, a list of up to 8 numbers for cells called `name/0`,
    `name/1`, …; longer lists, lists of anything else and W&B's media are no metrics.
    """
    cells: dict[str, Cell] = {}
    left_out = 0
    stack = [_of_object("", record)]
    while stack:
        for name, value in stack[-1]:
            inner = _members(name, value)
            if len(name) > _LONGEST_NAME or len(cells) >= _WIDEST:
                left_out += 1
            elif inner is None:
                cells[printable(name)] = _cell(value)
            else:
                stack.append(inner)
                break
        else:
            stack.pop()
    return list(cells.items()), left_out


def _members(name: str, value: object) -> _Members | None:
    if isinstance(value, dict):
        if value.keys() == _MEAN:
            # The mean of no numbers is written as NaN.
            return iter([(name, value["mean"])] if value["num"] else [])
        return iter(()) if "_type" in value else _of_object(name, value)
    if isinstance(value, list):
        return _of_list(name, value)
    return None


def _of_object(name: str, members: Mapping[str, object]) -> _Members:
    prefix = f"{name}/" if name else ""
    return ((prefix + key, value) for key, value in members.items())


def _of_list(name: str, values: list[object]) -> _Members:
    if len(values) == 1:
        return iter([(name, values[0])])
    if len(values) > _SHORT_LIST or not all(isinstance(value, (int, float)) for value in values):
        return iter(())
    return ((f"{name}/{index}", value) for index, value in enumerate(values))


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        return printable(value[:_LONGEST_TEXT])
    return float(value) if isinstance(value, bool) else value  # type: ignore[return-value]


def printable(text: str) -> str:
    """The text without the halves of characters that JSON can spell and no file can hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
