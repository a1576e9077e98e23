"""MLflow's file store: every point that a script logged, and files that only look like metrics."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from gradcheck import loading
from gradcheck.errors import NotALog
from gradcheck.model import Run, Series
from gradcheck.readers.base import Candidate
from gradcheck.readers.mlflow_files import READER
from tests.readers.store_writers import Written

META = "run_id: abc\nrun_name: 'quick fox'\nstatus: 3\nlifecycle_stage: active\n"


def runs(root: Path) -> list[Run]:
    return list(loading.collect([root]).runs)


def with_note(found: list[Run], note: str) -> Run:
    (run,) = (run for run in found if note in run.notes)
    return run


def series(run: Run) -> dict[str, Series]:
    return {one.name: one for one in run.series}


def points(run: Run) -> dict[str, list[tuple[int, float, float]]]:
    found = {}
    for one in run.series:
        assert one.wall is not None
        columns = one.step.tolist(), one.value.tolist(), one.wall.tolist()
        found[one.name] = list(zip(*columns, strict=True))
    return found


def as_told(store: Written, run: str) -> dict[str, list[tuple[int, float, float]]]:
    return {
        name: [(step, value, clock / 1000) for step, value, clock in of]
        for name, of in store.told[run].items()
    }


def make_run(directory: Path, meta: str = META, **metrics: str) -> Path:
    (directory / "metrics").mkdir(parents=True)
    (directory / "meta.yaml").write_text(meta)
    for name, text in metrics.items():
        (directory / "metrics" / name).write_text(text)
    return directory


def lines(*points: tuple[int, object, int]) -> str:
    return "".join(f"{clock} {value} {step}\n" for clock, value, step in points)


def test_every_point_of_a_run(mlflow_store: Written) -> None:
    run = with_note(runs(mlflow_store.path / "mlruns"), "MLflow calls this run 'full'")
    np.testing.assert_equal(points(run), as_told(mlflow_store, "file/full"))
    assert run.path.parents[1] == mlflow_store.path / "mlruns"
    assert (run.path / "meta.yaml").is_file()
    assert run.format == "mlflow"
    assert run.hparams == {"lr": "0.1", "model/name": "net"}


def test_the_order_is_that_of_logging(mlflow_store: Written) -> None:
    run = with_note(runs(mlflow_store.path / "mlruns"), "MLflow calls this run 'full'")
    told = [p for of in as_told(mlflow_store, "file/full").values() for p in of]
    found = [
        (o, p) for one in run.series for o, p in zip(one.order, points(run)[one.name], strict=True)
    ]
    assert sorted(o for o, _ in found) == list(range(len(told)))
    clocks = [clock for _, (_, _, clock) in sorted(found, key=lambda pair: pair[0])]
    assert clocks == sorted(clocks)
    assert series(run)["loss"].step.tolist() == [*range(10), *range(7, 20)]


def test_runs_of_a_store(mlflow_store: Written) -> None:
    """The deleted run and the run without metrics are left out."""
    found = runs(mlflow_store.path / "mlruns")
    assert sorted(run.notes[0] for run in found) == [
        "MLflow calls this run 'full'",
        "MLflow calls this run 'twin'",
        "MLflow calls this run 'twin'",
    ]
    assert len({run.path for run in found}) == 3
    assert with_note(found, "MLflow has this run as failed").points == 1


def test_points_without_a_step_are_counted(mlflow_store: Written) -> None:
    note = "logged without a step: loss, val/loss; the points of loss are counted, from 0"
    run = with_note(runs(mlflow_store.path / "mlruns"), note)
    told = as_told(mlflow_store, "file/stepless")
    expected = {
        "loss": [(n, value, clock) for n, (_, value, clock) in enumerate(told["loss"])],
        "val/loss": [
            (3 * n + 2, value, clock) for n, (_, value, clock) in enumerate(told["val/loss"])
        ],
    }
    assert points(run) == expected


def test_points_without_a_step_go_by_the_clock_of_those_with_one(tmp_path: Path) -> None:
    run = make_run(
        tmp_path,
        loss=lines(*((1000 + n, 1.0, 10 * n) for n in range(5))),
        val_loss=lines((1001, 2.0, 0), (1003, 1.0, 0)),
        once=lines((1004, 7.0, 0)),
    )
    found = series(runs(run)[0])
    assert found["val_loss"].step.tolist() == [10, 30]
    assert found["once"].step.tolist() == [0]


def test_metrics_with_as_many_points_share_their_steps(tmp_path: Path) -> None:
    acc = lines(*((1001 + 50 * n, 0.5, 0) for n in range(4)))
    loss = lines(*((1000 + 50 * n, 0.5, 0) for n in range(4)))
    found = series(runs(make_run(tmp_path, acc=acc, loss=loss))[0])
    assert found["acc"].step.tolist() == found["loss"].step.tolist() == [0, 1, 2, 3]


def test_a_clock_that_goes_back_does_not_reorder_a_metric(tmp_path: Path) -> None:
    run = make_run(tmp_path, loss=lines((2000, 3.0, 0), (1000, 2.0, 1), (2001, 1.0, 2)))
    loss = series(runs(run)[0])["loss"]
    assert loss.value.tolist() == [3.0, 2.0, 1.0]
    assert (np.diff(loss.order) > 0).all()


def test_equal_clocks_are_told_apart_by_the_step(tmp_path: Path) -> None:
    text = lines(*((5000, 1.0, n) for n in range(4)))
    found = series(runs(make_run(tmp_path, loss=text, grad_norm=text))[0])
    order = {
        int(o): int(s) for one in found.values() for o, s in zip(one.order, one.step, strict=True)
    }
    assert [order[n] for n in range(8)] == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("text", "values", "damaged"),
    [
        ("1 0.5 0\n2 nan 1\n3 inf 2\n4 -inf 3\n", [0.5, math.nan, math.inf, -math.inf], 0),
        ("1 0.5\n2 0.25\n", [0.5, 0.25], 0),
        ("1 0.5 0 train 1f2e\n2 0.25 1 train 1f2e\n", [0.5, 0.25], 0),
        ("1 0.5 0\n2 0.25 1\n3 0.1", [0.5, 0.25], 0),
        ("1 0.5 0\n\0\0\0\0\n3 0.1 2\n", [0.5, 0.1], 1),
        ("1 0.5 0\nx y z\n3 0.1 2\n4 0.1 9999999999999999999\n", [0.5, 0.1], 2),
        ("1 0.5 0\r\n2 0.25 1\r\n", [0.5, 0.25], 0),
        ("\0\0\n1 0.5 0\n2 0.25 1\n", [0.5, 0.25], 1),
        ("1 0.5 0\n" + "9" * 99_999 + "\n2 0.25 1\n", [0.5, 0.25], 25),
    ],
    ids=["nan", "oldest", "dataset", "cut", "zeros", "words", "crlf", "head", "long"],
)
def test_lines(tmp_path: Path, text: str, values: list[float], damaged: int) -> None:
    (run,) = runs(make_run(tmp_path, loss=text))
    np.testing.assert_equal(series(run)["loss"].value.tolist(), values)
    told = [note for note in run.notes if "damaged" in note]
    assert bool(told) is bool(damaged)
    if damaged:
        assert told[0].startswith(f"metrics/loss: {damaged} line")


def test_a_run_named_by_its_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "run", loss="1 0.5 1\n", acc="1 0.5 1\n")
    (found,) = runs(run / "metrics" / "loss")
    assert [one.name for one in found.series] == ["loss"]
    monkeypatch.chdir(run / "metrics")
    (found,) = runs(Path("loss"))
    assert [one.name for one in found.series] == ["loss"]
    (found,) = runs(Path())
    assert {one.name for one in found.series} == {"loss", "acc"}


def test_deleted_runs_are_left_out_unless_named(tmp_path: Path) -> None:
    make_run(tmp_path / "0" / "gone", META.replace("active", "deleted"), loss="1 0.5 1\n")
    make_run(tmp_path / "0" / "here", loss="1 0.5 1\n")
    assert [run.path.name for run in runs(tmp_path)] == ["here"]
    assert [run.path.name for run in runs(tmp_path / "0" / "gone")] == ["gone"]


def test_the_metrics_of_logged_models_are_no_runs(tmp_path: Path) -> None:
    model = make_run(tmp_path / "0" / "models" / "m-abc", "model_id: m-abc\n")
    (model / "metrics" / "loss").write_text("1 0.5 0 0123456789abcdef\n")
    assert not runs(tmp_path)


def test_no_intact_point(tmp_path: Path) -> None:
    file = make_run(tmp_path, loss="1 a 0\n2 b 1\n") / "metrics" / "loss"
    assert READER.claims(Candidate(file, file.read_bytes()))
    (source,) = READER.group([file], tmp_path)
    with pytest.raises(NotALog, match="no intact point") as caught:
        READER.read(source)
    assert caught.value.broken


@pytest.mark.parametrize("text", ["", "loss 0.5\n", "{}", "1.5 2 3\n"])
def test_other_files_in_such_a_place(tmp_path: Path, text: str) -> None:
    file = make_run(tmp_path, loss=text) / "metrics" / "loss"
    assert not READER.claims(Candidate(file, text.encode()))


def test_metrics_outside_of_a_run(tmp_path: Path) -> None:
    file = tmp_path / "metrics" / "loss"
    file.parent.mkdir()
    file.write_text("1 0.5 0\n")
    assert not READER.claims(Candidate(file, file.read_bytes()))


def test_names_with_slashes_and_a_metric_called_metrics(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    file = run / "metrics" / "val" / "metrics" / "loss"
    file.parent.mkdir(parents=True)
    file.write_text("1 0.5 0\n2 0.5 1\n")
    (run / "metrics" / "val" / "meta.yaml").write_text("a: b\n")
    assert list(series(runs(run)[0])) == ["val/metrics/loss"]


def test_meta_that_is_hardly_yaml(tmp_path: Path) -> None:
    meta = "run_name: &a [*a]\n? : :\n\x00\nstatus: 4\nno colon\n" + "x" * 100_000
    (run,) = runs(make_run(tmp_path, meta, loss="1 0.5 1\n"))
    assert "MLflow has this run as failed" in run.notes
