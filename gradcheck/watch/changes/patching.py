"""Replaces functions of torch wherever a script may have got hold of them, and puts them back."""

# mypy: allow-untyped-calls, allow-untyped-defs, allow-untyped-decorators
from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import torch

from gradcheck.watch import frames

OWNERS = (torch, torch.Tensor, torch.nn.functional, torch.special, torch.linalg)
Guard = Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]
"""Takes the arguments of a call and gives those to call with."""


def guard_calls(undo: ExitStack, names: tuple[str, ...], guard: Guard) -> None:
    """Have every function of these names called with guarded arguments."""

    def make(real):
        @functools.wraps(real)
        def guarded(*args, **kwargs):
            new, named = guard(*args, **kwargs)
            return real(*new, **named)

        return guarded

    replace_calls(undo, names, make)


def replace_calls(
    undo: ExitStack, names: tuple[str, ...], make: Callable[[Any], Callable[..., Any]]
) -> None:
    """Replace functions and methods of these names, in torch and in the user's modules."""
    made: dict[int, tuple[Any, Any]] = {}
    for owner in OWNERS:
        for name in names:
            real = getattr(owner, name, None)
            if real is None or not callable(real):
                continue
            if id(real) not in made:
                made[id(real)] = (real, make(real))
            _set(undo, owner, name, made[id(real)][1])
    for module in _users():
        for name, value in list(vars(module).items()):
            known = made.get(id(value)) if callable(value) else None
            if known is not None and known[0] is value:
                _set(undo, module, name, known[1])


def _set(undo: ExitStack, owner: Any, name: str, value: Any) -> None:
    own = vars(owner).get(name, _MISSING)
    setattr(owner, name, value)
    if own is _MISSING:
        undo.callback(delattr, owner, name)
    else:
        undo.callback(setattr, owner, name, own)


_MISSING = object()


def _users() -> Iterator[Any]:
    """The modules that are the user's own."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__" or (isinstance(file, str) and frames.is_users(file)):
            yield module
