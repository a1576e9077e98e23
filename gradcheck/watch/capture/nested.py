"""Nested values as JSON beside named tensors, and back: nothing is pickled, nothing is called.

Numbers, text, None, lists, tuples, dicts with any keys of these, sets, tensors and NumPy arrays
come back exactly; whatever else there is, is left out and named.
"""

# mypy: allow-untyped-calls
from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

DEEPEST = 40
"""Levels of nesting that are followed."""
_NUMPY = re.compile(r"[<>|=][biufc]\d{1,2}")
_NATIVE = frozenset(
    {
        torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
        torch.float16, torch.bfloat16, torch.float32, torch.float64,
    }
)  # fmt: skip
"""Types that are stored as they are; any other is stored as its bytes."""


class Damaged(ValueError):
    """What was read is nothing that was written here."""


class _Left:
    """Stands where something could not be stored."""

    def __repr__(self) -> str:
        return "LEFT"


LEFT = _Left()


class Writer:
    """Turns values into JSON, and collects their tensors."""

    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        """What the JSON refers to: contiguous, on the host, none sharing memory with another."""
        self.left_out: list[str] = []
        """Where something stood that cannot be stored, and of which type it was."""
        self._known: dict[tuple[Any, ...], str] = {}
        self._alive: list[Any] = []  # so that no address is used twice

    def encode(self, value: Any, path: str = "") -> Any:
        """JSON for a value that stands at `path`."""
        return self._encode(value, path, 0)

    def _encode(self, value: Any, path: str, depth: int) -> Any:
        kind = type(value)
        if value is None or kind in (bool, int, str, float, complex, bytes):
            return _scalar(value)
        if isinstance(value, Tensor):
            return self._tensor(value, path)
        if isinstance(value, np.ndarray | np.generic):
            return self._array(value, path)
        if depth >= DEEPEST:
            return self._leave(value, path)
        return self._container(value, path, depth + 1)

    def _container(self, value: Any, path: str, depth: int) -> Any:
        def inner(one: Any, name: Any) -> Any:
            return self._encode(one, f"{path}[{name!r}]", depth)

        if type(value) is list:
            return [inner(one, at) for at, one in enumerate(value)]
        if isinstance(value, tuple):
            return {"tuple": [inner(one, at) for at, one in enumerate(value)]}
        if isinstance(value, Mapping):
            return {"dict": [[inner(key, key), inner(one, key)] for key, one in value.items()]}
        if isinstance(value, set | frozenset):
            ordered = sorted(value, key=repr)
            return {"set": [inner(one, one) for one in ordered]}
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [field.name for field in dataclasses.fields(value)]
            held = [[name, inner(getattr(value, name, LEFT), name)] for name in fields]
            return {"fields": held}
        return self._leave(value, path)

    def _leave(self, value: Any, path: str) -> Any:
        if value is not LEFT:
            self.left_out.append(f"{path} ({type(value).__module__}.{type(value).__qualname__})")
        return {"left": type(value).__qualname__}

    def _tensor(self, value: Tensor, path: str) -> Any:
        if value.layout is not torch.strided or value.is_quantized or value.is_meta:
            return self._leave(value, path)
        held = value.detach().resolve_conj().resolve_neg()
        place = (held.device, held.data_ptr(), held.dtype, held.shape, held.stride())
        key = self._known.get(place) if held.numel() else None
        order = _order(held)
        if key is None:
            key = self._add(held if order is None else held.permute(order))
            self._known[place] = key
            self._alive.append(value)
        told: dict[str, Any] = {"tensor": key}
        if held.dtype not in _NATIVE:
            told |= {"as": _name(held.dtype), "shape": list(held.shape)}
            if order is not None:
                told["shape"] = [held.shape[at] for at in order]
        if order is not None:
            told["order"] = order
        return told

    def _add(self, value: Tensor) -> str:
        kept = value.to("cpu", copy=True, memory_format=torch.contiguous_format)
        if kept.dtype not in _NATIVE:
            kept = kept.reshape(-1).view(torch.uint8)
        key = f"t{len(self.tensors)}"
        self.tensors[key] = kept
        return key

    def _array(self, value: np.ndarray[Any, Any] | np.generic, path: str) -> Any:
        if not _NUMPY.fullmatch(value.dtype.str):
            return self._leave(value, path)
        if isinstance(value, np.generic):
            return {"scalar": value.dtype.str, "bytes": value.tobytes().hex()}
        held = (
            torch.frombuffer(bytearray(value.tobytes()), dtype=torch.uint8) if value.size else None
        )
        key = self._add(torch.empty(0, dtype=torch.uint8) if held is None else held)
        return {"array": key, "dtype": value.dtype.str, "shape": list(value.shape)}


class Reader:
    """Turns JSON into values again, with the tensors that it refers to."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self._tensors = tensors
        self._made: dict[str, Tensor] = {}
        self._readers: Mapping[str, Callable[[Any, Mapping[str, Any]], Any]] = {
            "float": lambda held, _: _float(held),
            "complex": lambda held, _: complex(*map(self.decode, _list(held, 2))),
            "bytes": lambda held, _: bytes.fromhex(held),
            "tuple": lambda held, _: tuple(map(self.decode, _list(held))),
            "set": lambda held, _: set(map(self.decode, _list(held))),
            "dict": lambda held, _: self._pairs(held),
            "fields": lambda held, _: self._pairs(held),
            "left": lambda held, _: LEFT,
            "tensor": self._tensor,
            "array": self._array,
            "scalar": self._scalar,
        }

    def decode(self, told: Any) -> Any:
        """The value; LEFT where it was not stored.

        Raises:
            Damaged: this is not what a Writer makes, or a tensor is missing.
        """
        if told is None or isinstance(told, bool | int | float | str):
            return told
        if isinstance(told, list):
            return [self.decode(one) for one in told]
        kind = next(iter(told), None) if isinstance(told, dict) else None
        if not isinstance(kind, str) or kind not in self._readers:
            raise Damaged(f"unknown kind of value {kind!r}")
        try:
            return self._readers[kind](told[kind], told)
        except Damaged:
            raise
        except (TypeError, ValueError, KeyError, RuntimeError, OverflowError) as error:
            raise Damaged(f"a value of kind {kind!r} is damaged") from error

    def _pairs(self, held: Any) -> dict[Any, Any]:
        found = {}
        for pair in _list(held):
            key, value = _list(pair, 2)
            found[self.decode(key)] = self.decode(value)
        return found

    def _tensor(self, key: Any, told: Mapping[str, Any]) -> Tensor:
        known = str(sorted(told.items(), key=repr))
        if known not in self._made:
            held = self._stored(key)
            if "as" in told:
                kind = getattr(torch, str(told["as"]), None)
                if not isinstance(kind, torch.dtype):
                    raise Damaged(f"unknown type {told['as']!r}")
                held = held.view(kind).reshape(_sizes(told["shape"]))
            if "order" in told:
                order = _sizes(told["order"])
                held = held.permute([order.index(at) for at in range(len(order))])
            self._made[known] = held
        return self._made[known]

    def _array(self, key: Any, told: Mapping[str, Any]) -> np.ndarray[Any, Any]:
        data = self._stored(key).numpy().tobytes()
        return np.frombuffer(data, _numpy_type(told["dtype"])).reshape(_sizes(told["shape"])).copy()

    def _scalar(self, kind: Any, told: Mapping[str, Any]) -> Any:
        return np.frombuffer(bytes.fromhex(told["bytes"]), _numpy_type(kind))[0]

    def _stored(self, key: Any) -> Tensor:
        if not isinstance(key, str) or key not in self._tensors:
            raise Damaged(f"there is no tensor {key!r}")
        return self._tensors[key]


def without_left(value: Any) -> Any:
    """A decoded value without what was not stored: entries of dicts go, others become None."""
    if isinstance(value, dict):
        return {key: without_left(one) for key, one in value.items() if one is not LEFT}
    if isinstance(value, list | tuple):
        return type(value)(None if one is LEFT else without_left(one) for one in value)
    return value


def _scalar(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if isinstance(value, complex):
        return {"complex": [_scalar(value.real), _scalar(value.imag)]}
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def _order(held: Tensor) -> list[int] | None:
    """The dimensions from the slowest to the fastest in memory; None where that is their order."""
    if held.is_contiguous():
        return None
    strides: tuple[int, ...] = held.stride()
    order = sorted(range(held.dim()), key=lambda at: (-strides[at], at))
    return order if held.permute(order).is_contiguous() else None


def _name(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def _float(held: Any) -> float:
    if held not in ("nan", "inf", "-inf"):
        raise Damaged(f"{held!r} is no number")
    return float(held)


def _list(held: Any, size: int | None = None) -> list[Any]:
    if not isinstance(held, list) or (size is not None and len(held) != size):
        raise Damaged("a list is damaged")
    return held


def _sizes(held: Any) -> list[int]:
    if not all(type(one) is int and one >= 0 for one in _list(held)):
        raise Damaged("a shape is damaged")
    return list(held)


def _numpy_type(name: Any) -> np.dtype[Any]:
    if not isinstance(name, str) or not _NUMPY.fullmatch(name):
        raise Damaged(f"unknown type {name!r}")
    return np.dtype(name)
