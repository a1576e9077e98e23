"""Decodes what a summary value of an event file holds: a number, hyperparameters or neither."""

from __future__ import annotations

import struct
from typing import Any, NamedTuple


class _Encoding(NamedTuple):
    """How a tensor stores a number: its struct code, and the field used instead of raw bytes."""

    code: str
    field: str


# Keyed by the number of the type in TensorFlow's types.proto.
_ENCODINGS = {
    1: _Encoding("f", "float_val"),
    2: _Encoding("d", "double_val"),
    3: _Encoding("i", "int_val"),
    4: _Encoding("B", "int_val"),
    5: _Encoding("h", "int_val"),
    6: _Encoding("b", "int_val"),
    9: _Encoding("q", "int64_val"),
    10: _Encoding("?", "bool_val"),
    14: _Encoding("bfloat16", "half_val"),
    17: _Encoding("H", "int_val"),
    19: _Encoding("e", "half_val"),
    22: _Encoding("I", "uint32_val"),
    23: _Encoding("Q", "uint64_val"),
}


def scalar(value: Any) -> float | None:
    """The number that a summary value holds, or None if it is not a scalar."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    return _tensor_scalar(value.tensor) if kind == "tensor" else None


def _tensor_scalar(tensor: Any) -> float | None:
    encoding = _ENCODINGS.get(tensor.dtype)
    if encoding is None or any(dim.size != 1 for dim in tensor.tensor_shape.dim):
        return None
    if tensor.tensor_content:
        return _unpack(encoding.code, tensor.tensor_content)
    values = getattr(tensor, encoding.field)
    if len(values) > 1:
        return None
    number = values[0] if values else 0  # TensorFlow leaves the field out where all is zero
    if encoding.field == "half_val":
        return _unpack(encoding.code, struct.pack("<H", number))
    return float(number)


def _unpack(code: str, raw: bytes) -> float | None:
    if code == "bfloat16":
        code, raw = "f", b"\0\0" + raw
    if struct.calcsize(f"<{code}") != len(raw):
        return None
    return float(struct.unpack(f"<{code}", raw)[0])


def hparams(content: bytes) -> dict[str, object]:
    """The hyperparameters in the content of TensorBoard's `hparams` plug-in."""
    from tensorboard.plugins.hparams import plugin_data_pb2  # noqa: PLC0415

    info = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    return {
        name: getattr(value, value.WhichOneof("kind"))
        for name, value in info.hparams.items()
        if value.WhichOneof("kind")
    }


_KINDS = {"image": "image", "histo": "histogram", "audio": "audio clip"}


def kind(value: Any) -> str:
    """What a summary value that is not a scalar holds, in the singular."""
    name: str = value.metadata.plugin_data.plugin_name or "tensor"
    return _KINDS.get(value.WhichOneof("value"), _KINDS.get(name, name.removesuffix("s")))
