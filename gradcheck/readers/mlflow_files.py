"""Reads the runs of an MLflow file store, `mlruns/<experiment>/<run>/metrics/<name>`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Run
from gradcheck.readers import mlflow_points
from gradcheck.readers.base import Candidate, Reader, Source
from gradcheck.readers.mlflow_points import Points

_METRICS = "metrics"
_META = "meta.yaml"
# Milliseconds since 1970, the value, and the step, which the oldest stores do not have.
_POINT = re.compile(rb"^-?\d{1,19} \S{1,40}( -?\d{1,19}( [^\n]*)?)?\r?\n", re.M)
_LONGEST_LINE = 4096
_LARGEST_FACT = 1 << 14
_MOST_PARAMS = 10_000


class _FileStore:
    def claims(self, candidate: Candidate) -> bool:
        shaped = _POINT.search(candidate.head) is not None
        return shaped and _metrics_of(candidate.path) is not None

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        if root.is_file():
            return [Source(root, (root,))]
        runs: dict[Path, list[Path]] = {}
        for file in sorted(files):
            runs.setdefault(_run_of(file), []).append(file)
        return [
            Source(run, tuple(metrics))
            for run, metrics in runs.items()
            if run == root or _facts(run).get("lifecycle_stage") != "deleted"
        ]

    def read(self, source: Source) -> Run:
        metrics: dict[str, Points] = {}
        notes: list[str] = []
        for file in source.files:
            name = file.absolute().relative_to(_run_of(file).absolute() / _METRICS).as_posix()
            metrics[name], damaged = _points(file)
            if damaged:
                lines = "1 line is" if damaged == 1 else f"{damaged} lines are"
                notes.append(f"{_METRICS}/{name}: {lines} damaged and passed over")
        if not any(points.value for points in metrics.values()):
            raise NotALog("no intact point in the metrics of the MLflow run", broken=True)
        run = _run_of(source.files[0])
        facts = _facts(run)
        about = mlflow_points.about(facts.get("run_name"), facts.get("status"))
        return mlflow_points.run_of(source.path, metrics, _params(run), (*about, *notes))


READER: Reader = _FileStore()


def _metrics_of(file: Path) -> Path | None:
    """The folder with the metrics of the run that a file belongs to, if it belongs to one."""
    # A relative path may begin below the folder.
    parents = [*reversed(file.parents), *reversed(file.absolute().parents)]
    folders = (parent for parent in parents if parent.name == _METRICS)
    return next((folder for folder in folders if _is_run(folder.parent)), None)


def _is_run(directory: Path) -> bool:
    # A logged model repeats those points of its run that were said to be about it.
    return directory.parent.name != "models" and (directory / _META).is_file()


def _run_of(file: Path) -> Path:
    folder = _metrics_of(file)
    return file.parent if folder is None else folder.parent


def _points(file: Path) -> tuple[Points, int]:
    """The points of a file, and how many lines are none; a last line cut short is neither."""
    points, damaged = Points(), 0
    with file.open("rb") as opened:
        while line := opened.readline(_LONGEST_LINE):
            if not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
                break
            damaged += not _added(points, line)
    return points, damaged


def _added(points: Points, line: bytes) -> bool:
    if not _POINT.fullmatch(line):
        return False
    clock, value, *rest = line.split()
    try:
        points.add(int(clock), float(value), int(rest[0]) if rest else 0)
    except (ValueError, OverflowError):
        return False
    return True


def _facts(run: Path) -> dict[str, str]:
    """The plain `key: value` lines of a run's `meta.yaml`; other YAML is not needed."""
    lines = (line.partition(": ") for line in _text(run / _META).splitlines())
    return {key: value.strip().strip("'\"") for key, colon, value in lines if colon}


def _params(run: Path) -> dict[str, str]:
    folder = run / "params"
    return {file.relative_to(folder).as_posix(): _text(file) for file in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    found = (Path(where, name) for where, _, names in os.walk(folder) for name in sorted(names))
    for count, file in enumerate(found):
        if count >= _MOST_PARAMS:
            return
        if file.is_file():
            yield file


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST_FACT).decode("utf-8", errors="replace")
    except OSError:
        return ""
