"""Runs scripts for the tests: in forks of a warm process, or in processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gradcheck.readers.watch_observations import FILE

ZYGOTE = Path(__file__).with_name("zygote.py")
TIMEOUT = 60
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}


@dataclass(frozen=True)
class Ran:
    """How a script ended, and what it left."""

    code: int
    out: str
    err: str
    folder: Path
    """Where it ran; the record lies in `record` there."""

    @cached_property
    def run(self) -> dict[str, Any]:
        """The only run of the report."""
        report = json.loads((self.folder / "report.json").read_text("utf-8"))
        (found,) = report["runs"]
        assert isinstance(found, dict)
        return found

    @property
    def record(self) -> Path:
        return self.folder / "record"

    @property
    def severities(self) -> set[str]:
        return {event["severity"] for event in self.run["events"]}

    @property
    def cause(self) -> str | None:
        """The most probable one."""
        return self.run["diagnoses"][0]["cause"] if self.run["diagnoses"] else None

    @property
    def where(self) -> dict[str, Any]:
        return (self.run["diagnoses"][0]["where"] or {}) if self.run["diagnoses"] else {}

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """What was written beside the event file."""
        file = self.record / FILE
        text = file.read_text("utf-8") if file.is_file() else ""
        return [json.loads(line) for line in text.splitlines()]

    @property
    def observations(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "key" in line]

    @property
    def keys(self) -> list[str]:
        return [line["key"] for line in self.observations]

    @property
    def notes(self) -> str:
        return "\n".join(str(line["note"]) for line in self.lines if "note" in line)

    @property
    def held(self) -> bool:
        return "was withheld" in self.notes


@dataclass
class Zygote:
    """A process that has imported torch, and forks for every script."""

    process: subprocess.Popen[bytes]
    answers: int

    @classmethod
    def start(cls) -> Zygote:
        ours, theirs = os.pipe()
        source = f"exec(compile(open({str(ZYGOTE)!r}).read(), '<zygote>', 'exec'))"
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", source, str(theirs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs],
            env=clean_environment(),
        )
        os.close(theirs)
        return cls(process, ours)

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)
        os.close(self.answers)

    def watch(
        self, folder: Path, source: str, *options: str, arguments: Sequence[str] = (), **more: Any
    ) -> Ran:
        """Run a script watched, with its record and its report in `folder`.

        Without replays of what failed, unless an option asks for some: they take their time.
        """
        script = write(folder, source)
        given = ["--record", str(folder / "record"), "--output", str(folder / "report.json")]
        if not any(option.startswith(("--replay", "--heal", "--no-replay")) for option in options):
            given.append("--no-replay")
        given += [*options, str(script), *arguments]
        return self._play(folder, Job(given, watched=True, **more))

    def bare(self, folder: Path, source: str, **more: Any) -> Ran:
        """Run a script as `python` would."""
        return self._play(folder, Job([str(write(folder, source))], watched=False, **more))

    def _play(self, folder: Path, job: Job) -> Ran:
        out, err = folder / "out.txt", folder / "err.txt"
        told = {
            "arguments": list(job.arguments),
            "watched": job.watched,
            "timeout": job.timeout,
            "env": {**job.environment},
            "prelude": textwrap.dedent(job.prelude),
            "out": str(out),
            "err": str(err),
            "cwd": str(folder),
        }
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(told).encode() + b"\n")
        self.process.stdin.flush()
        code = b""
        while not code.endswith(b"\n"):
            piece = os.read(self.answers, 64)
            assert piece, "the warm process is gone"
            code += piece
        return Ran(int(code), out.read_text("utf-8"), err.read_text("utf-8"), folder)


@dataclass(frozen=True)
class Job:
    """A script to run, and how."""

    arguments: Sequence[str]
    watched: bool
    prelude: str = ""
    """What to do in the process before."""
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: int = TIMEOUT


def clean_environment() -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "COLUMNS")}
    return {**clean, **ENVIRONMENT}


def write(folder: Path, source: str, name: str = "train.py") -> Path:
    """Write a script."""
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / name
    script.write_text(textwrap.dedent(source).lstrip("\n"), "utf-8")
    return script


def python(*arguments: str | Path, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**clean_environment(), **more.pop("environment", {})},
        check=False,
        cwd=cwd,
        timeout=more.pop("timeout", TIMEOUT),
        **more,
    )
