"""Decodes what a summary value of an event file holds: a number, or what else."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple


class Encoding(NamedTuple):
    """How a tensor stores a number: its struct code, and the field used instead of raw bytes."""

    code: str
    field: str


# Keyed by the number of the type in TensorFlow's types.proto.
ENCODINGS = {
    1: Encoding("f", "float_val"),
    2: Encoding("d", "double_val"),
    3: Encoding("i", "int_val"),
    4: Encoding("B", "int_val"),
    5: Encoding("h", "int_val"),
    6: Encoding("b", "int_val"),
    9: Encoding("q", "int64_val"),
    10: Encoding("?", "bool_val"),
    14: Encoding("bfloat16", "half_val"),
    17: Encoding("H", "int_val"),
    19: Encoding("e", "half_val"),
    22: Encoding("I", "uint32_val"),
    23: Encoding("Q", "uint64_val"),
}


def scalar(value: Any) -> float | None:
    """The number that a summary value holds, or None if it is not a scalar."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    return _tensor_scalar(value.tensor) if kind == "tensor" else None


def _tensor_scalar(tensor: Any) -> float | None:
    encoding = ENCODINGS.get(tensor.dtype)
    if encoding is None or any(dim.size != 1 for dim in tensor.tensor_shape.dim):
        return None
    if tensor.tensor_content:
        return unpack(encoding.code, tensor.tensor_content)
    values = getattr(tensor, encoding.field)
    if len(values) > 1:
        return None
    number = values[0] if values else 0  # TensorFlow leaves the field out where all is zero
    if encoding.field == "half_val":
        return unpack(encoding.code, struct.pack("<H", number))
    return float(number)


def unpack(code: str, raw: bytes) -> float | None:
    """The number in some bytes by the code of its encoding; None if it has another size."""
    if code == "bfloat16":
        code, raw = "f", b"\0\0" + raw
    if struct.calcsize(f"<{code}") != len(raw):
        return None
    return float(struct.unpack(f"<{code}", raw)[0])


_KINDS = {"image": "image", "histo": "histogram", "audio": "audio clip"}


def kind(value: Any) -> str:
    """What a summary value that is not a scalar holds, in the singular."""
    return kind_name(value.WhichOneof("value") or "", value.metadata.plugin_data.plugin_name)


def kind_name(field: str, plugin: str) -> str:
    """The same by the name of the field that holds it and of the plug-in that it is for."""
    name = plugin or "tensor"
    return _KINDS.get(field, _KINDS.get(name, name.removesuffix("s")))
