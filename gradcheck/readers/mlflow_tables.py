"""Asks an MLflow database, which is a SQLite file from a stranger, for its runs and their points.

The file is only read, and nothing is left beside it: SQLite would make `-wal` and `-shm` files
next to a database that was in write-ahead mode.
"""

from __future__ import annotations

import contextlib
import functools
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gradcheck.errors import NotALog
from gradcheck.readers.mlflow_points import Points

MAGIC = b"SQLite format 3\0"
_WRITE_AHEAD = b"\2\2"
_COLUMNS = {
    "runs": {"run_uuid", "name", "status", "lifecycle_stage"},
    "metrics": {"key", "value", "timestamp", "run_uuid", "step", "is_nan"},
    "params": {"key", "value", "run_uuid"},
}
_INFINITE = 1.7976931348623157e308  # what MLflow stores for an infinity
_LONGEST_CELL = 1 << 24
_LONGEST_LABEL = 100
_WAIT_S = 1.0
# The number of its row stands for a run, whatever its id may be.
_RUNS = """
    SELECT rowid, name, run_uuid, status FROM runs
    WHERE lifecycle_stage IS NOT 'deleted'
    AND EXISTS (SELECT 1 FROM metrics WHERE metrics.run_uuid = runs.run_uuid)
    ORDER BY rowid
"""
_POINTS = """
    SELECT key, timestamp, value, step, is_nan FROM metrics
    WHERE run_uuid = (SELECT run_uuid FROM runs WHERE rowid = ?) ORDER BY rowid
"""
_PARAMS = """
    SELECT key, value FROM params
    WHERE run_uuid = (SELECT run_uuid FROM runs WHERE rowid = ?) ORDER BY rowid
"""


@dataclass(frozen=True)
class StoredRun:
    """A run of a database, by the number of its row."""

    row: int
    name: str
    status: str


@dataclass(frozen=True)
class Stored:
    """What a database holds of a run."""

    metrics: dict[str, Points]
    params: dict[str, str]
    damaged: int
    """How many points are no numbers."""


def runs(file: Path) -> dict[str, StoredRun]:
    """The runs that have points and are not deleted, by labels that can be parts of a path.

    Raises:
        NotALog: it is no MLflow database, or it cannot be read.
        OSError: the file cannot be opened.
    """
    states = [path.stat() for path in (file, _beside(file, "-wal")) if path.is_file()]
    return _runs(file, tuple((state.st_mtime_ns, state.st_size) for state in states))


# Every run of a database asks for all of them, to know which is its own.
@functools.lru_cache(maxsize=8)
def _runs(file: Path, _states: tuple[tuple[int, int], ...]) -> dict[str, StoredRun]:
    with _opened(file) as database:
        rows = database.execute(_RUNS).fetchall()
    often = Counter(name for _, name, _, _ in rows)
    found: dict[str, StoredRun] = {}
    for row, name, run_id, status in rows:
        texts = [str(run_id)] if often[name] > 1 else [str(name or ""), str(run_id)]
        label = next((text for text in texts if _is_label(text) and text not in found), f"#{row}")
        found[label] = StoredRun(row, str(name or ""), str(status))
    return found


def _is_label(text: str) -> bool:
    plain = text.isprintable() and not set("/\\") & set(text) and text.strip(" .") != ""
    return plain and len(text) <= _LONGEST_LABEL and not text.startswith("#")


def stored(file: Path, run: StoredRun) -> Stored:
    """The points and parameters of a run.

    Raises:
        NotALog: the database cannot be read.
    """
    metrics: dict[str, Points] = {}
    damaged = 0
    with _opened(file) as database:
        for key, *numbers in database.execute(_POINTS, (run.row,)):
            points = metrics.get(key) or metrics.setdefault(str(key), Points())
            damaged += not _added(points, *numbers)
        params = database.execute(_PARAMS, (run.row,))
        return Stored(metrics, {str(key): str(value) for key, value in params}, damaged)


def _added(points: Points, clock: object, value: object, step: object, is_nan: object) -> bool:
    if not isinstance(clock, int) or not isinstance(step, int):
        return False
    if is_nan:
        value = float("nan")
    if not isinstance(value, (int, float)):
        return False
    infinite = abs(value) >= _INFINITE
    points.add(clock, value * float("inf") if infinite else float(value), step)
    return True


def unread_tail(file: Path) -> bool:
    """Whether the last writes lie in a file beside the database that cannot be read with it."""
    return _is_write_ahead(file) and _beside(file, "-wal").is_file() and not _is_live(file)


def _is_write_ahead(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(20)[18:] == _WRITE_AHEAD


def _is_live(file: Path) -> bool:
    return _beside(file, "-wal").is_file() and _beside(file, "-shm").is_file()


def _beside(file: Path, suffix: str) -> Path:
    real = file.resolve()
    return real.with_name(real.name + suffix)


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    # SQLite makes no files beside one that it is told cannot change.
    frozen = _is_write_ahead(file) and not _is_live(file)
    uri = f"{file.resolve().as_uri()}?mode=ro{'&immutable=1' if frozen else ''}"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_WAIT_S)) as database:
            database.text_factory = lambda text: text.decode("utf-8", errors="replace")
            database.execute("PRAGMA trusted_schema = OFF")
            if sys.version_info >= (3, 11):
                database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST_CELL)
            _check(database)
            yield database
    except sqlite3.Error as error:
        raise NotALog(_reason(error), broken=True) from error
    except (UnicodeDecodeError, MemoryError) as error:
        # SQLite quotes a damaged name, or takes the length of a damaged cell at its word.
        raise NotALog("the SQLite database cannot be read: it is damaged", broken=True) from error


def _reason(error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text:
        return "the database is locked by another program: try again when it has finished"
    if "readonly" in text:
        return "the database was left in the midst of a write: open it with MLflow once to mend it"
    return f"the SQLite database cannot be read: {text}"


def _check(database: sqlite3.Connection) -> None:
    """Whether the tables are MLflow's: real ones, neither views nor virtual tables."""
    found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    tables = {name: str(sql).upper().lstrip() for name, sql in found}
    for table, columns in _COLUMNS.items():
        if not tables.get(table, "").startswith("CREATE TABLE"):
            held = ", ".join(sorted(map(str, tables))[:8]) or "none"
            raise NotALog(f"not an MLflow database: it has no table {table!r}; tables: {held}")
        has = {row[1] for row in database.execute("SELECT * FROM pragma_table_info(?)", (table,))}
        if lacks := columns - has:
            raise NotALog(f"not an MLflow database: {table!r} has no column {min(lacks)!r}")
