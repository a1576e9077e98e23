"""Finds the row of the user's own data that a bad row of a batch was taken from, by its values."""

# mypy: allow-untyped-calls
from __future__ import annotations

import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradcheck.watch import frames
from gradcheck.watch.dispatch import is_plain

_MOST_HOLDERS = 400
_MOST_NUMBERS = 50_000_000
_MOST_CANDIDATES = 2000
LEAST_LISTED, _MOST_LISTED = 8, 50_000
_MOST_PARTS = 8
"""Of one sample: inputs, targets, masks."""


def samples(batch: Tensor, rows: Sequence[int]) -> tuple[int, ...]:
    """Rows of a table in the user's variables that hold the values of these rows of a batch.

    Only tables that are longer than the batch count, and only rows that fit nowhere else in it:
    nothing is guessed, so that the answer may be empty.
    """
    values = _array(batch)
    if values is None or not rows or not values.ndim:
        return ()
    for table in _tables(values):
        found = _rows_of(table, values, rows)
        if found:
            return tuple(sorted(found))
    return ()


class Lists:
    """Lists of tensors in the user's variables: samples that a script puts together by itself.

    Only those that were there before the step that is looked at: what it makes is no data set.
    """

    def __init__(self) -> None:
        found = {id(v): v for v in _holders() if isinstance(v, list | tuple)}.values()
        long = [value for value in found if LEAST_LISTED <= len(value) <= _MOST_LISTED]
        self._held = [(value, len(value), _index(value)) for value in long]
        """Each list, which is kept, its length then, and where each tensor's memory stands."""

    def places(self, pieces: Sequence[Tensor]) -> list[int] | None:
        """Where in one list all these tensors stand, be it alone or in a pair with a target.

        None where there is no such list that is longer than what was taken from it, or where two
        of them say otherwise: which of them is the data set?
        """
        if not pieces or not all(is_plain(piece) and piece.numel() for piece in pieces):
            return None
        wanted = [piece.data_ptr() for piece in pieces]
        told: list[int] | None = None
        for value, length, index in self._held:
            places = [index.get(pointer, -1) for pointer in wanted]
            if len(value) != length or len(wanted) >= length or min(places) < 0:
                continue
            here = zip(places, wanted, strict=True)
            if not all(pointer in _pointers(value[place]) for place, pointer in here):
                continue  # it was shuffled, or written to
            if told is not None and told != places:
                return None
            told = places
        return told


def _index(value: Sequence[Any]) -> dict[int, int]:
    places: dict[int, int] = {}
    for place, item in enumerate(value):
        for pointer in _pointers(item):
            # what stands at two places is no sample
            places[pointer] = -1 if places.get(pointer, place) != place else place
    return places


def _pointers(item: Any) -> Iterator[int]:
    """Where the tensors and arrays of one sample lie in memory."""
    if isinstance(item, Tensor):
        if is_plain(item) and item.numel():
            yield item.data_ptr()
    elif isinstance(item, np.ndarray):
        yield item.ctypes.data
    elif isinstance(item, tuple | list | dict) and len(item) <= _MOST_PARTS:
        for part in item.values() if isinstance(item, dict) else item:
            if isinstance(part, Tensor | np.ndarray):
                yield from _pointers(part)


def _rows_of(table: Any, values: Any, rows: Sequence[int]) -> set[int] | None:
    bad = ~np.isfinite(table).reshape(len(table), -1).all(axis=1)
    candidates = np.flatnonzero(bad)
    if not len(candidates) or len(candidates) > _MOST_CANDIDATES:
        return None
    found: set[int] = set()
    for row in rows:
        same = [int(c) for c in candidates if np.array_equal(table[c], values[row], equal_nan=True)]
        if len(same) != 1:
            return None
        found.add(same[0])
    return found


def _tables(values: Any) -> Iterator[Any]:
    """Arrays of floats in the variables of the running frames, shaped like the batch but longer."""
    seen: set[int] = set()
    for value in _holders():
        if id(value) in seen:
            continue
        seen.add(id(value))
        array = _array(value)
        if array is None or array.ndim != values.ndim or len(array) <= len(values):
            continue
        if array.shape[1:] == values.shape[1:] and array.size <= _MOST_NUMBERS:
            yield array


def _array(value: Any) -> Any:
    """A copy in single precision, as batches are compared; None where it is no array of floats."""
    if isinstance(value, Tensor):
        if not value.is_floating_point() or value.layout != torch.strided:
            return None
        return value.detach().float().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return value.astype(np.float32)
    return None


def _variables_of(value: Any) -> Any:
    """An object's own variables; reading them may run the script's code."""
    try:
        return getattr(value, "__dict__", None)
    except Exception:
        return None


def _holders() -> Iterator[Any]:
    """Variables of the user's frames, and what the objects among them hold one level down."""
    frame: types.FrameType | None = sys._getframe(1)
    count = 0
    while frame is not None and count < _MOST_HOLDERS:
        if frames.is_users(frame.f_code.co_filename):
            for value in [*frame.f_locals.values(), *frame.f_globals.values()]:
                yield value
                inner = _variables_of(value)
                if isinstance(inner, dict) and not isinstance(value, types.ModuleType | type):
                    yield from list(inner.values())[:50]
                elif isinstance(value, tuple | list) and len(value) < 20:
                    yield from value
                elif isinstance(value, dict) and len(value) < 50:
                    yield from value.values()
                count += 1
        frame = frame.f_back
