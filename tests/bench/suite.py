"""Says what is measured: which readers and tools, on which sets, over how many rounds."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cache import DataSet, prepared
from tests.bench.measuring import Job
from tests.bench.readers import READERS

OWN, LOAD, OWN_CSV = "gradcheck reader", "gradcheck.load", "gradcheck CSV reader"
ACCUMULATOR, SERVER, BYTES = "EventAccumulator", "tensorboard-data-server", "bytes"
ANALYZE, PASS, IMPORTS, HELP = (
    "gradcheck analyze",
    "python -c pass",
    'python -c "import typer, rich"',
    "gradcheck --help",
)
SMALL_EVENTS, SMALL_CSV = "analyze, 3,000 points, event file", "analyze, 3,000 points, CSV"

_SLOW: Mapping[str, Mapping[str, float]] = {
    ACCUMULATOR: {"b": 0.1, "c": 0.02},
    "tbparse": {"a": 0.1, "b": 0.02, "c": 0.02, "d": 0.1, "tf2": 0.25},
}
"""Readers that get one round, and the share of a set that they are given where not all of it."""
_RIVAL_ROUNDS = 2


@dataclass(frozen=True)
class Group:
    """Jobs that are compared with one another."""

    name: str
    title: str
    reference: str
    """The job against which the others are held."""
    jobs: tuple[Job, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Options:
    """What the command line has asked for."""

    scale: float
    rounds: int
    data: Path


def _events(name: str, options: Options) -> Group:
    readers = (OWN, LOAD, ACCUMULATOR, "tbparse", SERVER, BYTES)
    return _reading(name, OWN, readers, options)


def _csv(name: str, options: Options) -> Group:
    return _reading(name, OWN_CSV, (OWN_CSV, LOAD, "pandas.read_csv", BYTES), options)


def _reading(name: str, reference: str, readers: tuple[str, ...], options: Options) -> Group:
    whole = prepared(name, options.scale, options.data)
    READERS[BYTES].opened()(whole.path)  # so that nobody waits for the disk
    present = [reader for reader in readers if not READERS[reader].missing()]
    jobs = tuple(_reading_job(reader, whole, options) for reader in present)
    title = f"Reading {name}: {whole.digest.points:,} points, {whole.size / 1e6:,.1f} MB"
    absent = sorted(set(readers) - set(present))
    return Group(name, title, reference, jobs, tuple(f"{one} is not installed" for one in absent))


def _reading_job(reader: str, whole: DataSet, options: Options) -> Job:
    part = _SLOW.get(reader, {}).get(whole.name, 1.0)
    given = whole if part == 1 else prepared(whole.name, options.scale * part, options.data)
    command = (sys.executable, "-m", "tests.bench.readers", reader, str(given.path))
    rounds = 1 if reader in _SLOW else options.rounds
    share = given.digest.points / whole.digest.points
    return Job(reader, command, rounds, given.digest, share)


def _tools(name: str, options: Options) -> Group:
    found = prepared("a", options.scale, options.data)
    path = str(found.path)
    rivals = {
        "runmedic diagnose": ("runmedic", "diagnose", path),
        "trainproof doctor": ("trainproof", "doctor", path),
    }
    commands = {ANALYZE: ("gradcheck", "analyze", path)}
    commands |= {k: v for k, v in rivals.items() if importlib.util.find_spec(v[0])}
    absent = [tool for tool in rivals if tool not in commands]
    jobs = [_reading_job(OWN, found, options)]
    for tool, command in commands.items():
        rounds = options.rounds if tool == ANALYZE else min(options.rounds, _RIVAL_ROUNDS)
        jobs.append(Job(tool, (sys.executable, "-m", *command), rounds))
    notes = tuple(f"{tool}: not installed" for tool in absent)
    return Group(name, "Whole tools on set a", OWN, tuple(jobs), notes)


def _start_up(name: str, options: Options) -> Group:
    events, table = (prepared(one, 1.0, options.data).path for one in ("small", "small_csv"))
    commands = {
        PASS: ("-c", "pass"),
        IMPORTS: ("-c", "import typer, rich"),
        HELP: ("-m", "gradcheck", "--help"),
        SMALL_EVENTS: ("-m", "gradcheck", "analyze", str(events)),
        SMALL_CSV: ("-m", "gradcheck", "analyze", str(table)),
    }
    jobs = tuple(
        Job(one, (sys.executable, *command), options.rounds) for one, command in commands.items()
    )
    return Group(name, "Starting up", IMPORTS, jobs)


GROUPS: Mapping[str, Callable[[str, Options], Group]] = {
    "a": _events,
    "b": _events,
    "c": _events,
    "d": _events,
    "tf2": _events,
    "csv": _csv,
    "tools": _tools,
    "startup": _start_up,
}


def groups(names: list[str], options: Options) -> Iterator[Group]:
    """The groups of these names, each with its sets written when it is asked for."""
    for name in names:
        yield GROUPS[name](name, options)
