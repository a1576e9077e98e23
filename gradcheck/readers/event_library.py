"""Decodes an event with TensorBoard's own protobuf classes: what is valid but unusual."""

from __future__ import annotations

from typing import Any

from gradcheck.readers import event_values
from gradcheck.readers.event_wire import Event, Number, Other


def decode(payload: bytes) -> Event | None:
    """The event in some bytes, None if they hold none."""
    # 0.1 s to import, and most files need neither.
    from google.protobuf.message import (  # type: ignore[import-untyped]  # noqa: PLC0415
        DecodeError,
    )
    from tensorboard.compat.proto import event_pb2  # noqa: PLC0415

    try:
        found = event_pb2.Event.FromString(payload)
    except DecodeError:
        return None
    event = Event(wall=found.wall_time, step=found.step)
    event.graph = found.WhichOneof("what") in ("graph_def", "meta_graph_def")
    for value in found.summary.value:
        _add(value, event)
    return event


def hparams(content: bytes) -> dict[str, object] | None:
    """The hyperparameters in the content of TensorBoard's `hparams` plug-in, None if damaged."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415
    from tensorboard.plugins.hparams import plugin_data_pb2  # noqa: PLC0415

    try:
        info = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info
    except DecodeError:
        return None
    return {
        name: getattr(value, value.WhichOneof("kind"))
        for name, value in info.hparams.items()
        if value.WhichOneof("kind")
    }


def _add(value: Any, event: Event) -> None:
    tag, number = value.tag.encode(), event_values.scalar(value)
    if number is not None:
        event.numbers.append(Number(tag, number))
        return
    plugin = value.metadata.plugin_data
    hparams = plugin.content if plugin.plugin_name == "hparams" else None
    event.others.append(Other(tag, event_values.kind(value), hparams))
