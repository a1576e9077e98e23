"""Decodes the records of a `.wandb` file, by the numbers of their fields and without wandb.

The fields are declared here: to import wandb takes a second and fails with versions of protobuf
that it does not know, and a wandb older than the one that wrote a file does not see its newer
fields. The numbers of protobuf fields never change; the tests hold them against wandb's own.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

FIELDS: dict[str, tuple[tuple[str, int, str], ...]] = {
    "Item": (
        ("key", 1, "string"),
        ("nested_key", 2, "strings"),
        ("none", 3, "int32"),
        ("boolean", 4, "bool"),
        ("integer", 5, "sint64"),
        ("number", 6, "double"),
        ("text", 7, "string"),
        ("json", 8, "string"),
        ("value_json", 16, "string"),
    ),
    "Step": (("num", 1, "int64"),),
    "History": (("item", 1, "Items"), ("step", 2, "Step")),
    "Config": (("update", 1, "Items"), ("remove", 2, "Items")),
    "Run": (("config", 4, "Config"),),
    "Exit": (("exit_code", 1, "int32"),),
    "Record": (
        ("history", 2, "History"),
        ("config", 5, "Config"),
        ("run", 17, "Run"),
        ("exit", 18, "Exit"),
    ),
}
"""The fields of each message that are read: name, number and type, in the plural if repeated."""
_VALUES = ("none", "boolean", "integer", "number", "text", "json", "value_json")
_SCALARS = {"double": 1, "int64": 3, "int32": 5, "bool": 8, "string": 9, "sint64": 18}
_MESSAGE = 11


@functools.cache
def parser() -> Callable[[bytes], Any]:
    """What makes a record of its bytes, or raises protobuf's DecodeError."""
    from google.protobuf import (  # type: ignore[import-untyped]  # noqa: PLC0415 - slow to import
        descriptor_pb2,
        descriptor_pool,
        message_factory,
    )

    file = descriptor_pb2.FileDescriptorProto(
        name="gradcheck/wandb.proto", package="gradcheck.wandb", syntax="proto3"
    )
    for name, fields in FIELDS.items():
        message = file.message_type.add(name=name)
        if name == "Item":
            message.oneof_decl.add(name="value")
        for field in fields:
            _declare(message, *field)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    record = message_factory.GetMessageClass(pool.FindMessageTypeByName("gradcheck.wandb.Record"))
    parse: Callable[[bytes], Any] = record.FromString
    return parse


def _declare(message: Any, name: str, number: int, type_name: str) -> None:
    repeated = type_name in ("strings", "Items")
    type_name = type_name.removesuffix("s") if repeated else type_name
    field = message.field.add(name=name, number=number, label=3 if repeated else 1)
    field.type = _SCALARS.get(type_name, _MESSAGE)
    if field.type == _MESSAGE:
        field.type_name = f".gradcheck.wandb.{type_name}"
    if message.name == "Item" and name in _VALUES:
        field.oneof_index = 0


def keys(item: Any) -> tuple[str, ...]:
    """The path of an item in nested dictionaries; a single key for one that is not nested."""
    return tuple(item.nested_key) or (item.key,)


def leaves(item: Any) -> Iterable[tuple[tuple[str, ...], object]]:
    """What an item holds, with its path: what JSON can, NaN and the infinities, None if damaged.

    A dictionary comes as its entries, however deep; an empty one as itself.
    """
    text = item.value_json
    held = _from_json(text) if text else _typed(item)
    return _entries(keys(item), held) if isinstance(held, dict) else ((keys(item), held),)


def _typed(item: Any) -> object:
    kind = item.WhichOneof("value")
    if kind is None or kind == "none":
        return None
    held = getattr(item, kind)
    return _from_json(held) if kind == "json" else held


def _from_json(text: str) -> object:
    try:
        return float(text) if text[:1] not in '"[{tfn' else json.loads(text)
    except (ValueError, RecursionError):
        return None


def _entries(path: tuple[str, ...], held: object) -> Iterator[tuple[tuple[str, ...], object]]:
    waiting = [(path, held)]
    while waiting:
        path, held = waiting.pop()
        if isinstance(held, dict) and held:
            waiting.extend(((*path, str(key)), below) for key, below in reversed(held.items()))
        else:
            yield path, held
