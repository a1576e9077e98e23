"""Adds the diagnosis to TensorBoard runs, as a text beside their scalars."""

from __future__ import annotations

import os
import time
from pathlib import Path

from gradcheck import remote, terminal
from gradcheck.errors import UsageError
from gradcheck.model import Report, RunReport
from gradcheck.readers.crc32c import record
from gradcheck.readers.tensorboard import SUMMARY
from gradcheck.reports.markdown_run import page
from gradcheck.wording import count

TAG = "gradcheck"
MOST_TOLD = 5
_EVENTS = "events.out.tfevents"


def add(report: Report) -> None:
    """Write the summary of each TensorBoard run into its directory; tell of those that got none.

    Raises:
        UsageError: no run could be given one.
    """
    written: set[Path] = set()
    without: list[str] = []
    for run in report.runs:
        obstacle = _put(run, written)
        if obstacle is not None:
            without.append(f"{run.run.path}: no summary for TensorBoard: {obstacle}")
    for line in without[:MOST_TOLD]:
        terminal.warn(line)
    if len(without) > MOST_TOLD:
        terminal.warn(f"{count(len(without) - MOST_TOLD, 'more run')} without a summary")
    if not written:
        raise UsageError("--tensorboard: none of the runs could be given a summary")
    terminal.warn(f"{count(len(written), 'run')} with a summary under {TAG} in TensorBoard's text")


def _put(run: RunReport, written: set[Path]) -> str | None:
    """Write one, and why not where that cannot be."""
    directory = _directory(run)
    obstacle = _obstacle(run, directory, written)
    if obstacle is not None:
        return obstacle
    try:
        _write(directory, run)
    except OSError as error:
        return f"cannot write there: {error.strerror or error}"
    written.add(directory)
    return None


def _directory(run: RunReport) -> Path:
    path = run.run.path
    return path if remote.is_remote(path) or path.is_dir() else path.parent


def _obstacle(run: RunReport, directory: Path, written: set[Path]) -> str | None:
    if remote.is_remote(run.run.path):
        return "it is not on this machine"
    if run.run.format != "tensorboard" and not any(directory.glob(f"{_EVENTS}*")):
        return f"it is no TensorBoard run, but {run.run.format}"
    if directory in written:
        return "another run of its directory has got one"
    return None


def _write(directory: Path, run: RunReport) -> None:
    """Replace a former summary: the new one is there whole before the old one goes."""
    former = list(directory.glob(f"{_EVENTS}.*{SUMMARY}"))
    file = directory / f"{_EVENTS}.{_stamp(directory)}{SUMMARY}"
    waiting = directory / f".{TAG}-{os.getpid()}.tmp"  # TensorBoard must not see half of it
    try:
        waiting.write_bytes(_content(run))
        waiting.replace(file)
    finally:
        waiting.unlink(missing_ok=True)
    for old in former:
        if old != file:
            old.unlink(missing_ok=True)


def _stamp(directory: Path) -> str:
    """The time, written so that the file is the last by name: what is already open reads on there.

    TensorBoard goes through the files of a directory by name, and does not go back.
    """
    now = f"{time.time():.0f}"
    names = [file.name.removeprefix(f"{_EVENTS}.") for file in directory.glob(f"{_EVENTS}.*")]
    latest = max((name.partition(".")[0] for name in names if SUMMARY not in name), default="")
    later = latest if latest.isdigit() and latest >= now else now
    return later if later != latest else f"{int(later) + 1}"


def _content(run: RunReport) -> bytes:
    from tensorboard.compat.proto.event_pb2 import Event  # noqa: PLC0415 - slow to import
    from tensorboard.compat.proto.summary_pb2 import Summary  # noqa: PLC0415
    from tensorboard.compat.proto.tensor_pb2 import TensorProto  # noqa: PLC0415
    from tensorboard.compat.proto.types_pb2 import DT_STRING  # noqa: PLC0415
    from tensorboard.plugins.text.metadata import create_summary_metadata  # noqa: PLC0415

    text = TensorProto(dtype=DT_STRING, string_val=[page(run, foldable=False).encode()])
    value = Summary.Value(tag=TAG, tensor=text)
    value.metadata.CopyFrom(create_summary_metadata(display_name="", description=""))
    now = time.time()
    events = [
        Event(wall_time=now, file_version="brain.Event:2"),
        Event(wall_time=now, step=run.run.last_step or 0, summary=Summary(value=[value])),
    ]
    return b"".join(record(event.SerializeToString()) for event in events)
