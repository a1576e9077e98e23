"""Writes the record of a watched run as it goes: an event file, and what was observed beside it."""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import shutil
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, BinaryIO

from gradcheck.model import Observation, Replay, Said
from gradcheck.readers.watch_observations import FILE
from gradcheck.watch import encoding
from gradcheck.watch.encoding import Row

FLUSH_EVERY = 0.4
"""Seconds; a killed run loses no more than that."""
_TRIES = 100
_SUFFIX = ".gradcheck"


def choose_directory(wanted: Path | None, name: str) -> Path:
    """The directory of the record: a new one of its own, unless the user names one."""
    rank = own_rank()
    if wanted is not None:
        return wanted if rank is None else wanted / f"rank{rank}"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    stem = "".join(c if c.isalnum() or c in "-_" else "-" for c in name).strip("-") or "run"
    stem += "" if rank is None else f"-rank{rank}"
    for attempt in range(_TRIES):
        found = Path(".gradcheck") / (f"{stamp}-{stem}" + (f"-{attempt}" if attempt else ""))
        if not found.exists():
            return found
    return Path(".gradcheck") / f"{stamp}-{stem}-{os.getpid()}"


def own_rank() -> int | None:
    """The rank of this process among several, as torchrun tells it; None where it is alone."""
    if int(os.environ.get("WORLD_SIZE") or 1) < 2:
        return None
    rank = os.environ.get("RANK", "")
    return int(rank) if rank.isdigit() else None


class Record:
    """Rows of scalars are kept until a thread of its own writes them, several times a second."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        _remove_old(directory)
        self.directory = directory.absolute()  # the script may change its working directory
        self._home = Path.cwd()
        self._rows: list[Row] = []
        self._events: BinaryIO = self._open()
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._owner = os.getpid()
        self.seconds = 0.0
        """Spent on writing."""
        self._events.write(encoding.heading(time.time()))
        self._thread = threading.Thread(target=self._keep_flushing, name="gradcheck", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def _open(self) -> BinaryIO:
        name = (
            f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}.{os.getpid()}{_SUFFIX}"
        )
        return (self.directory / name).open("wb")

    def row(self, step: int, values: dict[str, float]) -> None:
        """Keep one row; cheap enough for every step."""
        self._rows.append((step, time.time(), values))

    def observe(self, observation: Observation) -> None:
        """Write an observation at once."""
        where = observation.where
        if where is not None:
            file = None if where.file is None else self._shown(where.file)
            where = replace(where, file=file, rank=own_rank())
            observation = replace(observation, where=where)
        entry = {name: value for name, value in asdict(observation).items() if value is not None}
        self._line(entry)

    def _shown(self, file: str) -> str:
        """A file as the user would name it from where the script was started."""
        try:
            return str(Path(file).relative_to(self._home))
        except ValueError:
            return file

    def prove(self, replay: Replay) -> None:
        """Write what replays showed."""
        self._line({"replay": asdict(replay)})

    def say(self, said: Said, text: str) -> None:
        """Write what ended the script."""
        self._line({"said": said.value, "text": text})

    def note(self, text: str) -> None:
        """Write what a reader of the report should know."""
        self._line({"note": text})

    def flush(self) -> None:
        """Write what was kept; only in the process that opened the record."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            begun = time.perf_counter()
            rows, self._rows = self._rows, []
            if not self._events.closed:
                self._events.writelines(encoding.records(rows))
                self._events.flush()
            self.seconds += time.perf_counter() - begun

    def close(self) -> None:
        """Write the rest."""
        atexit.unregister(self.close)
        self._done.set()
        with contextlib.suppress(OSError, ValueError):  # a full disk must not hurt the training
            self.flush()
        if os.getpid() == self._owner:
            with contextlib.suppress(OSError):
                self._events.close()

    def discard(self) -> None:
        """Take it away again, where it holds nothing."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _keep_flushing(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # a full disk must not hurt the training
            while not self._done.wait(FLUSH_EVERY):
                self.flush()

    def _line(self, entry: Mapping[str, Any]) -> None:
        if os.getpid() != self._owner:
            return
        text = json.dumps(_plain(entry), ensure_ascii=False)
        with (self.directory / FILE).open("a", encoding="utf-8") as opened:
            opened.write(f"{text}\n")


def _remove_old(directory: Path) -> None:
    """A record that is there already is replaced, as an output file would be."""
    for old in (*directory.glob(f"events.out.tfevents.*{_SUFFIX}"), directory / FILE):
        old.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    """Numbers that JSON cannot hold are left out."""
    if isinstance(value, Mapping):
        plain = {str(key): _plain(inner) for key, inner in value.items()}
        return {key: inner for key, inner in plain.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
