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

OWNERS = (
    torch,
    torch.Tensor,
    torch.nn.functional,
    torch.special,
    torch.linalg,
    torch._C._nn,  # what losses call that a script holds under names of its own
)
OTHERS = ("torch.optim.", "torch.amp.", "gradcheck.")
FIRST, SECOND = ("input", "A"), ("target", "other", "exponent", "weight")
"""Names under which a function's first two arguments may be given, the likelier first."""
Guard = Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]
"""Takes the arguments of a call and gives those to call with."""


def guard_calls(
    undo: ExitStack,
    names: tuple[str, ...],
    guard: Guard,
    owners: tuple[Any, ...] = OWNERS,
    *,
    inplace: bool | None = None,
) -> None:
    """Have every function of these names called with guarded arguments.

    Whether a function writes to its first argument is told by its name, or by `inplace`.
    """
    for writes in (False, True):
        chosen = tuple(
            name for name in names if (_is_inplace(name) if inplace is None else inplace) == writes
        )
        make = _make_inplace if writes else _make
        replace_calls(undo, chosen, functools.partial(make, guard), owners)


def _is_inplace(name: str) -> bool:
    return name.endswith("_") and not name.endswith("__")


def _make(guard: Guard, real: Any) -> Any:
    def guarded(*args, **kwargs):
        new, named = guard(*args, **kwargs)
        return real(*new, **named)

    return guarded


def _make_inplace(guard: Guard, real: Any) -> Any:
    """The caller's own tensor must hold the result, whatever takes its place as the argument."""

    def guarded(target, *args, **kwargs):
        copy = target.clone()
        new, named = guard(copy, *args, **kwargs)
        if new[0] is copy:
            return real(target, *new[1:], **named)
        return target.copy_(real(*new, **named))

    return guarded


def replace_calls(
    undo: ExitStack,
    names: tuple[str, ...],
    make: Callable[[Any], Callable[..., Any]],
    owners: tuple[Any, ...] = OWNERS,
) -> None:
    """Replace functions and methods of these names, in torch and in the user's modules.

    Optimizers, and gradcheck itself, go on with what there was: a change to the operations of the
    training is none of its updates.
    """
    made: dict[int, tuple[Any, Any]] = {}
    for owner in owners:
        for name in names:
            real = getattr(owner, name, None)
            if real is None or not callable(real):
                continue
            if id(real) not in made:
                made[id(real)] = (real, _for_training(real, make(real)))
            _set(undo, owner, name, made[id(real)][1])
    for module in _users():
        for name, value in list(vars(module).items()):
            known = made.get(id(value)) if callable(value) else None
            if known is not None and known[0] is value:
                _set(undo, module, name, known[1])


def _for_training(real: Any, replaced: Any) -> Any:
    @functools.wraps(real)
    def called(*args, **kwargs):
        if sys._getframe(1).f_globals.get("__name__", "").startswith(OTHERS):
            return real(*args, **kwargs)
        return replaced(*_by_place(args, kwargs), **kwargs)

    return called


def _by_place(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """The positional arguments, with those that were named and are usually not."""
    for names in (FIRST, SECOND)[len(args) :]:
        given = next((name for name in names if name in kwargs), None)
        if given is None:
            break
        args = (*args, kwargs.pop(given))
    return args


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
