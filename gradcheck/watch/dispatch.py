"""Looks at the arguments and results of operations as the dispatcher sees them."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor


def tensors_in(args: Any, kwargs: Any) -> Iterator[Tensor]:
    """All tensors among arguments, also within lists."""
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value, {})


def floats_in(args: Any, kwargs: Any) -> Iterator[Tensor]:
    """The strided ones of them that hold real or complex numbers."""
    for t in tensors_in(args, kwargs):
        if (t.is_floating_point() or t.is_complex()) and t.layout == torch.strided:
            yield t


def kept_arguments(name: str, args: Sequence[Any]) -> Sequence[Any]:
    """The arguments as they are before the call; what it writes over is copied."""
    if not name.endswith("_") or not args or not isinstance(args[0], Tensor):
        return args
    return (args[0].detach().clone(), *args[1:])


def is_bad(t: Tensor) -> bool:
    """Whether any number in it is not finite."""
    return t.numel() > 0 and not bool(torch.isfinite(t.detach()).all())


def storage_of(t: Tensor) -> int:
    """What identifies its memory."""
    return t.untyped_storage().data_ptr()


def covers_storage(t: Tensor) -> bool:
    """Whether nothing else lies in its memory."""
    return t.numel() * t.element_size() >= t.untyped_storage().nbytes()


def is_plain(t: Tensor) -> bool:
    """Whether it has memory of its own and a length: not where it is sparse or nested."""
    return t.layout == torch.strided and not t.is_nested


def strided_in(args: Any, kwargs: Any) -> list[Tensor]:
    """The tensors among arguments whose memory can be told apart."""
    return [t for t in tensors_in(args, kwargs) if t.layout == torch.strided]


def written_to(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
    """The tensors that an operation writes to, of whatever type."""
    found: list[Tensor] = []
    for place, argument in enumerate(func._schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        value = args[place] if place < len(args) else kwargs.get(argument.name)
        found += strided_in((value,), {})
    return found


def mutated(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
    """Those of them that can hold what is not finite."""
    return list(floats_in(written_to(func, args, kwargs), {}))
