"""MLflow's database: every point that a script logged, and databases from strangers."""

from __future__ import annotations

import hashlib
import math
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck import loading
from gradcheck.errors import NotALog
from gradcheck.model import Run
from gradcheck.readers import mlflow_tables
from gradcheck.readers.base import Candidate, Source
from gradcheck.readers.mlflow_db import READER
from tests.readers.store_writers import Written
from tests.readers.test_mlflow_files import as_told, points

SCHEMA = """
CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, lifecycle_stage TEXT);
CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
"""


def runs(root: Path) -> dict[str, Run]:
    return {run.path.name: run for run in loading.collect([root]).runs}


def refusal(file: Path) -> NotALog:
    (source,) = READER.group([file], file)
    assert source == Source(file, (file,))
    with pytest.raises(NotALog) as caught:
        READER.read(source)
    return caught.value


def make(file: Path, *statements: str) -> Path:
    file.unlink(missing_ok=True)
    with closing(sqlite3.connect(file)) as database:
        for statement in statements or (SCHEMA,):
            database.executescript(statement)
        database.commit()
    return file


def with_runs(file: Path, *names: object, points: int = 2) -> Path:
    with closing(sqlite3.connect(make(file))) as database:
        for n, name in enumerate(names):
            database.execute(
                "INSERT INTO runs VALUES (?, ?, 'FINISHED', 'active')", (f"id{n}", name)
            )
            for step in range(points):
                row = ("loss", float(n), 1000 + step, f"id{n}", step, 0)
                database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
        database.commit()
    return file


def fingerprint(directory: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def test_every_point_of_a_run(mlflow_store: Written) -> None:
    run = runs(mlflow_store.path / "mlflow.db")["full"]
    np.testing.assert_equal(points(run), as_told(mlflow_store, "sqlite/full"))
    assert run.path == mlflow_store.path / "mlflow.db" / "full"
    assert run.format == "mlflow"
    assert run.hparams == {"lr": "0.1", "model/name": "net"}
    assert run.notes == ()


def test_both_stores_give_the_same_runs(mlflow_store: Written) -> None:
    in_files = loading.collect([mlflow_store.path / "mlruns"]).runs
    in_tables = loading.collect([mlflow_store.path / "mlflow.db"]).runs
    assert sorted(run.points for run in in_files) == sorted(run.points for run in in_tables)


def test_runs_of_a_database(mlflow_store: Written) -> None:
    """The deleted run and the run without metrics are left out; twins go by their ids."""
    loaded = loading.collect([mlflow_store.path / "mlflow.db"])
    assert loaded.unread == ()
    found = {run.path.name: run for run in loaded.runs}
    assert len(found) == 3
    twins = [run for name, run in found.items() if name != "full"]
    assert all(len(run.path.name) == 32 for run in twins)
    assert all(run.notes[0] == "MLflow calls this run 'twin'" for run in twins)
    note = "logged without a step: loss, val/loss; the points of loss are counted, from 0"
    (counted,) = (run for run in twins if note in run.notes)
    assert [step for step, _, _ in points(counted)["val/loss"]] == [2, 5]
    assert sum("MLflow has this run as failed" in run.notes for run in twins) == 1


def test_a_store_of_each_kind_in_one_directory(mlflow_store: Written) -> None:
    assert len(loading.collect([mlflow_store.path]).runs) == 6


def test_infinities_and_nan(tmp_path: Path) -> None:
    file = with_runs(tmp_path / "mlflow.db", "a", points=0)
    stored = [(0.0, 1), (1.7976931348623157e308, 0), (-1.7976931348623157e308, 0), (1e308, 0)]
    with closing(sqlite3.connect(file)) as database:
        for step, (value, is_nan) in enumerate(stored):
            row = ("loss", value, step, "id0", step, is_nan)
            database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
        database.commit()
    (loss,) = runs(file)["a"].series
    np.testing.assert_equal(loss.value, [math.nan, math.inf, -math.inf, 1e308])


def test_cells_of_other_types_are_passed_over(tmp_path: Path) -> None:
    file = with_runs(tmp_path / "mlflow.db", "a", points=3)
    with closing(sqlite3.connect(file)) as database:
        cells = [("x", 1, 1), (b"y", 1, 1), (None, 1, 1), (1.0, "t", 1), (1.0, 1, None)]
        for value, clock, step in cells:
            row = ("loss", value, clock, "id0", step, 0)
            database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
        database.execute("INSERT INTO metrics VALUES (x'ff', 1, 1, 'id0', 1, 0)")
        database.commit()
    run = runs(file)["a"]
    assert {one.name: len(one) for one in run.series} == {"loss": 3, "b'\\xff'": 1}
    assert "5 points that are no numbers were passed over" in run.notes


@given(st.lists(st.one_of(st.text(max_size=9), st.binary(max_size=3), st.none()), max_size=6))
@settings(deadline=None, max_examples=60)
def test_any_names_give_runs_that_are_told_apart(
    tmp_path_factory: pytest.TempPathFactory, names: list[object]
) -> None:
    directory = tmp_path_factory.mktemp("names")
    file = with_runs(directory / "mlflow.db", *names)
    sources = list(READER.group([file], directory))
    assert all(source.path.parent == file for source in sources if names)
    assert len({source.path for source in sources}) == max(len(names), 1)
    for n, source in enumerate(sources[: len(names)]):
        assert READER.read(source).series[0].value.tolist() == [float(n)] * 2


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc",
        "..",
        "",
        " ",
        "#1",
        "a\0b",
        "x" * 300,
        "a\nb",
        "\x1b[31m",
        "a\\b",
    ],
    ids=repr,
)
def test_a_name_that_cannot_be_a_part_of_a_path(tmp_path: Path, name: str) -> None:
    assert list(runs(with_runs(tmp_path / "mlflow.db", name))) == ["id0"]


def test_a_run_without_a_name(tmp_path: Path) -> None:
    assert list(runs(with_runs(tmp_path / "mlflow.db", None, "b"))) == ["b", "id0"]


def test_a_name_is_never_part_of_a_query(tmp_path: Path) -> None:
    name = "a'; DROP TABLE runs; --"
    file = with_runs(tmp_path / "mlflow.db", name, "b")
    assert list(runs(file)) == [name, "b"]


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_nothing_is_written_beside_a_database(tmp_path: Path, mode: str) -> None:
    file = with_runs(tmp_path / "mlflow.db", "a")
    with closing(sqlite3.connect(file)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")
    before = fingerprint(tmp_path)
    assert list(runs(file)) == ["a"]
    assert fingerprint(tmp_path) == before == {"mlflow.db": before["mlflow.db"]}


def test_a_database_that_is_being_written(tmp_path: Path) -> None:
    """With the write-ahead log of a live writer, its points are seen; without, that is told."""
    live = tmp_path / "live" / "mlflow.db"
    live.parent.mkdir()
    file = with_runs(live, "a")
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO metrics VALUES ('loss', 9.0, 2000, 'id0', 2, 0)")
        writer.commit()
        before = set(fingerprint(live.parent))
        assert before == {"mlflow.db", "mlflow.db-wal", "mlflow.db-shm"}
        (loss,) = runs(file)["a"].series
        assert loss.value.tolist() == [0.0, 0.0, 9.0]
        assert set(fingerprint(live.parent)) == before
        copied = tmp_path / "copied"
        copied.mkdir()
        for name in ("mlflow.db", "mlflow.db-wal"):
            shutil.copy(live.parent / name, copied / name)
    before_copy = fingerprint(copied)
    run = runs(copied / "mlflow.db")["a"]
    assert "mlflow.db-wal was not read: the latest points may be missing" in run.notes
    assert fingerprint(copied) == before_copy


def test_a_locked_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_tables, "_WAIT_S", 0.01)
    file = with_runs(tmp_path / "mlflow.db", "a")
    with closing(sqlite3.connect(file)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        error = refusal(file)
    assert str(error) == (
        "the database is locked by another program: try again when it has finished"
    )
    assert error.broken
    assert list(runs(file)) == ["a"]


@pytest.mark.parametrize("damage", ["cut", "zeros", "noise"])
def test_a_damaged_database(tmp_path: Path, damage: str) -> None:
    file = with_runs(tmp_path / "mlflow.db", *map(str, range(30)), points=30)
    data = bytearray(file.read_bytes())
    if damage == "cut":
        del data[5000:]
    else:
        data[4096:] = (b"\0" if damage == "zeros" else b"\x5a") * (len(data) - 4096)
    file.write_bytes(data)
    error = refusal(file)
    assert error.broken
    assert str(error).startswith("the SQLite database cannot be read: ")


def test_damage_that_shows_while_a_run_is_read(tmp_path: Path) -> None:
    file = with_runs(tmp_path / "mlflow.db", "a", points=3000)
    data = bytearray(file.read_bytes())
    data[-8192:] = bytes(8192)
    file.write_bytes(data)
    loaded = loading.collect([file])
    assert not loaded.runs
    assert all(one.broken for one in loaded.unread)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("CREATE TABLE studies (a); CREATE TABLE trials (b);", "no table 'runs'; tables: studies,"),
        ("", "tables: none"),
        (SCHEMA.replace("metrics", "metrik"), "no table 'metrics'"),
        (SCHEMA.replace("is_nan", "nan"), "'metrics' has no column 'is_nan'"),
        (SCHEMA.replace("lifecycle_stage", "stage"), "'runs' has no column 'lifecycle_stage'"),
        (
            SCHEMA.replace("TABLE metrics", "TABLE m")
            + "CREATE VIEW metrics AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n FROM c)"
            " SELECT n AS key, n AS value, n AS timestamp, n AS run_uuid, n AS step, n AS is_nan"
            " FROM c;",
            "no table 'metrics'",
        ),
        (
            SCHEMA.replace("TABLE params", "TABLE p")
            + "CREATE VIRTUAL TABLE params USING fts5(key, value, run_uuid);",
            "no table 'params'",
        ),
        (SCHEMA, "no metrics of any run"),
    ],
    ids=["optuna", "empty", "no metrics", "old", "older", "view", "virtual", "no runs"],
)
def test_other_databases(tmp_path: Path, schema: str, reason: str) -> None:
    error = refusal(make(tmp_path / "other.db", "PRAGMA user_version = 1;" + schema))
    assert reason in str(error)
    assert not error.broken


def test_a_table_without_rowids(tmp_path: Path) -> None:
    schema = SCHEMA.replace("lifecycle_stage TEXT)", "lifecycle_stage TEXT) WITHOUT ROWID")
    assert "cannot be read" in str(refusal(make(tmp_path / "mlflow.db", schema)))


def test_a_run_that_is_gone_meanwhile(tmp_path: Path) -> None:
    file = with_runs(tmp_path / "mlflow.db", "a", "b")
    sources = list(READER.group([file], file))
    with_runs(file, "a")
    with pytest.raises(NotALog, match="no metrics of any run"):
        READER.read(sources[1])


@pytest.mark.parametrize(
    ("name", "head", "claimed"),
    [
        ("mlflow.db", b"SQLite format 3\0", True),
        ("tracking.sqlite", b"SQLite format 3\0", True),
        ("mlflow.db", b"not SQLite", False),
        ("notes.txt", b"SQLite format 3\0", False),
    ],
)
def test_claims(name: str, head: bytes, claimed: bool) -> None:
    assert READER.claims(Candidate(Path(name), head)) is claimed
