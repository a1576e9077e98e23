"""Reads scalars with tensorboard-data-server, as TensorBoard does: a process of its own, by gRPC.

Every point is asked for. It is known to drop those that a resumed run writes again.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import tensorboard_data_server
from tensorboard.data.proto import data_provider_pb2 as messages
from tensorboard.data.proto import data_provider_pb2_grpc as services

from tests.bench.columns import Columns

_PLUGIN = messages.PluginFilter(plugin_name="scalars")
_EVERY_POINT = messages.Downsample(num_points=1 << 40)


def read(path: Path) -> Columns:
    """Load a directory in the server, then fetch one run after the other."""
    with _serving(path) as port:
        options = [("grpc.max_receive_message_length", -1)]
        with grpc.insecure_channel(f"localhost:{port}", options=options) as channel:
            stub = services.TensorBoardDataProviderStub(channel)
            names = [run.name for run in stub.ListRuns(messages.ListRunsRequest()).runs]
            answers = [stub.ReadScalars(_request(name)) for name in names]
    return (
        (tag.data.step, tag.data.value)
        for answer in answers
        for run in answer.runs
        for tag in run.tags
    )


def _request(run: str) -> Any:
    only = messages.RunTagFilter(runs=messages.RunFilter(names=[run]))
    return messages.ReadScalarsRequest(
        plugin_filter=_PLUGIN, run_tag_filter=only, downsample=_EVERY_POINT
    )


@contextmanager
def _serving(path: Path) -> Iterator[int]:
    """Start the server, wait until it has read everything, and say at which port it answers."""
    with tempfile.TemporaryDirectory() as directory:
        port_file = Path(directory) / "port"
        command = [
            tensorboard_data_server.server_binary(),
            f"--logdir={path}",
            "--reload=once",
            "--samples-per-plugin=scalars=all",
            "--port=0",
            f"--port-file={port_file}",
            "--die-after-stdin",
            "--verbose",
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as server:
            assert server.stdin is not None and server.stderr is not None
            if not any("Finished load cycle" in line for line in server.stderr):
                raise RuntimeError("tensorboard-data-server ended before it had read the log")
            yield int(port_file.read_text())
            server.stdin.close()
