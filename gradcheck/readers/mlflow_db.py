"""Reads the runs of an MLflow tracking database, the SQLite file `mlflow.db`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.model import Run
from gradcheck.readers import mlflow_points, mlflow_tables
from gradcheck.readers.base import Candidate, Reader, Source

_SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3"})


class _Database:
    def claims(self, candidate: Candidate) -> bool:
        named = candidate.path.suffix.lower() in _SUFFIXES
        return named and candidate.head.startswith(mlflow_tables.MAGIC)

    def group(self, files: Sequence[Path], root: Path) -> Iterable[Source]:
        return [source for file in sorted(files) for source in _sources(file)]

    def read(self, source: Source) -> Run:
        (file,) = source.files
        run = mlflow_tables.runs(file).get(source.path.name)
        if run is None or source.path == file:
            raise NotALog("no metrics of any run in the MLflow database")
        stored = mlflow_tables.stored(file, run)
        if not any(points.value for points in stored.metrics.values()):
            raise NotALog("no intact point of the run in the MLflow database", broken=True)
        notes = _notes(file, run, stored, source.path.name)
        return mlflow_points.run_of(source.path, stored.metrics, stored.params, tuple(notes))


READER: Reader = _Database()


def _sources(file: Path) -> list[Source]:
    """A source for each run; the file itself where it has none, to be read for the reason."""
    try:
        labels = list(mlflow_tables.runs(file))
    except (NotALog, OSError):
        labels = []
    return [Source(file / label, (file,)) for label in labels] or [Source(file, (file,))]


def _notes(
    file: Path, run: mlflow_tables.StoredRun, stored: mlflow_tables.Stored, label: str
) -> Iterator[str]:
    yield from mlflow_points.about(run.name if run.name != label else None, run.status)
    if stored.damaged:
        one = stored.damaged == 1
        points = "point that is no number was" if one else "points that are no numbers were"
        yield f"{stored.damaged} {points} passed over"
    if mlflow_tables.unread_tail(file):
        yield f"{file.name}-wal was not read: the latest points may be missing"
