"""Writes JSON logs, and reads them back as a user would."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from gradcheck.model import Run, Series
from gradcheck.readers.base import Candidate, Reader


def lines(records: Iterable[object]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def candidate(name: str, text: str) -> Candidate:
    return Candidate(Path(name), text.encode()[:4096])


def read(reader: Reader, directory: Path, text: str | bytes, name: str) -> Run:
    file = directory / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    (source,) = reader.group([file], file)
    return reader.read(source)


def runs(reader: Reader, root: Path, texts: Mapping[str, str]) -> dict[str, Run]:
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    found = reader.group([root / name for name in texts], root)
    return {s.path.relative_to(root).as_posix(): reader.read(s) for s in found}


def series(run: Run) -> dict[str, Series]:
    return {one.name: one for one in run.series}


def values(run: Run, name: str) -> list[float]:
    return [float(value) for value in series(run)[name].value]


def steps(run: Run, name: str) -> list[int]:
    return [int(step) for step in series(run)[name].step]
