"""MLflow's database: its pages have no checksums, so that damage tells of no intact record."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.fuzz.seeds import Seed
from tests.readers.test_mlflow_db import SCHEMA


def seeds() -> Iterator[Seed]:
    """A database of two runs in pages of 512 bytes, so that damage meets structure."""
    for rows in (5, 80):
        with tempfile.TemporaryDirectory() as directory:
            yield Seed("mlflow.db", _database(Path(directory, "mlflow.db"), rows))


def _database(file: Path, rows: int) -> bytes:
    with closing(sqlite3.connect(file)) as database:
        database.executescript("PRAGMA page_size = 512;" + SCHEMA)
        for run in ("a", "b"):
            database.execute("INSERT INTO runs VALUES (?, ?, 'FINISHED', 'active')", (run, run))
            points = [("loss", 1 / (n + 1), 1000 + n, run, n, 0) for n in range(rows)]
            database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", points)
            database.execute("INSERT INTO params VALUES ('lr', '0.1', ?)", (run,))
        database.commit()
    return file.read_bytes()
