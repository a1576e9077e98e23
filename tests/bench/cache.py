"""Keeps the written sets in a directory outside the repository, and writes those it misses."""

from __future__ import annotations

import json
import shutil
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import sets
from tests.bench.points import Digest


@dataclass(frozen=True)
class DataSet:
    """A log on disk, and what a reader that keeps every point finds in it."""

    name: str
    path: Path
    size: int
    """Bytes."""
    digest: Digest


def prepared(name: str, scale: float, data: Path) -> DataSet:
    """The set of this name; written first unless it lies there as it was written last."""
    home = data / f"{name}-{scale:g}"
    note = data / f"{home.name}.json"
    recorded = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {}
    if recorded != _state(home, recorded.get("digest")):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        digest = sets.WRITERS[name](home, scale)
        recorded = _state(home, list(digest))
        note.write_text(json.dumps(recorded), encoding="utf-8")
    table = home / sets.CSV
    size = sum(recorded["files"].values())
    return DataSet(name, table if table.exists() else home, size, Digest(*recorded["digest"]))


def _state(home: Path, digest: Any) -> dict[str, Any]:
    """What must be the same for a set to be used again: its files' sizes and its writer."""
    files = {str(file.relative_to(home)): file.stat().st_size for file in _files(home)}
    return {"files": files, "writer": _writer(), "digest": digest}


def _files(home: Path) -> list[Path]:
    return sorted(file for file in home.rglob("*") if file.is_file())


def _writer() -> int:
    """A CRC of the sources that decide what is written."""
    names = ("sets.py", "courses.py", "media.py", "event_bytes.py", "points.py")
    return zlib.crc32(b"".join((Path(__file__).parent / name).read_bytes() for name in names))
