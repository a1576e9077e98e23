"""Keeps what was found: a file that tells all that is needed to see it again."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path

from tests.fuzz import cases, judge
from tests.fuzz.seeds import KINDS

_MOST_TRIES = 300


def save(directory: Path, seed: int, number: int, only: tuple[str, ...], wrong: str) -> Path:
    """Write a finding, with its file made smaller where the same error stays."""
    case = cases.make(seed, number, only)
    data = case.rope.data()
    finding = {
        "seed": seed,
        "number": number,
        "only": list(only),
        "kind": case.kind,
        "file": case.seed.file,
        "mutations": list(case.mutations),
        "wrong": wrong,
        "data": base64.b64encode(data).decode(),
        "smallest": base64.b64encode(smaller(case.seed.file, data, wrong)).decode(),
    }
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{case.kind}-{seed}-{number}.json"
    file.write_text(json.dumps(finding, indent=1))
    return file


def replay(file: Path) -> str | None:
    """What is still wrong with a finding, None where nothing is."""
    finding = json.loads(file.read_text())
    case = cases.make(finding["seed"], finding["number"], tuple(finding["only"]) or KINDS)
    with tempfile.TemporaryDirectory() as directory:
        if base64.b64encode(case.rope.data()).decode() == finding["data"]:
            return judge.judge(case, Path(directory)).wrong
        # The seeds or the mutations have changed since: only the bytes are left.
        data = base64.b64decode(finding["data"])
        return judge.read(finding["file"], data, Path(directory), whole_way=True)[1]


def smaller(name: str, data: bytes, wrong: str) -> bytes:
    """A part of a file that raises the same error; the file itself where it is another fault."""
    place = wrong.partition("\n")[2]
    if not place or wrong.startswith("slower"):
        return data
    tries, size = 0, len(data) // 2
    with tempfile.TemporaryDirectory() as directory:
        while size and tries < _MOST_TRIES:
            at = 0
            while at < len(data) and tries < _MOST_TRIES:
                less = data[:at] + data[at + size :]
                tries += 1
                again = judge.read(name, less, Path(directory), whole_way=True)[1]
                if again is not None and again.partition("\n")[2] == place:
                    data = less
                else:
                    at += size
            size //= 2
    return data
