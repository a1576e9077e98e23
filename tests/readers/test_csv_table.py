"""Tables: what frameworks write, what blanks mean, and what is no log."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.errors import NotALog
from gradcheck.model import Run, Series
from gradcheck.readers.base import Candidate
from gradcheck.readers.csv_cells import parse_table
from gradcheck.readers.csv_table import READER


def read(directory: Path, text: str | bytes, name: str = "log.csv") -> Run:
    file = directory / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    (source,) = READER.group([file], file)
    return READER.read(source)


def series(run: Run) -> dict[str, Series]:
    return {one.name: one for one in run.series}


def values(run: Run, name: str) -> list[float]:
    return [float(value) for value in series(run)[name].value]


def steps(run: Run, name: str) -> list[int]:
    return [int(step) for step in series(run)[name].step]


def runs(root: Path, tables: dict[str, str]) -> dict[str, Run]:
    for name, text in tables.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    files = [root / name for name in tables]
    found = READER.group(files, root)
    return {s.path.relative_to(root).as_posix(): READER.read(s) for s in found}


@pytest.mark.parametrize(
    ("name", "head", "claimed"),
    [
        ("metrics.csv", b"", True),
        ("metrics.TSV", b"", True),
        ("training.log", b"epoch,acc,loss\n0,0.1,2.3\n", True),
        ("log.txt", b"epoch\tloss\n0\t2.3\n", True),
        ("log.txt", b"step loss\n1 2.3\n", True),
        ("train.log", b"step: 1 loss: 2.3\nstep: 2 loss: 2.2\n", False),
        ("train.log", b"Hello, world\nthis, is a text\n", False),
        ("log.txt", b'{"epoch": 1, "loss": 2}\n{"epoch": 2, "loss": 1}\n', False),
        ("train.log", b"solution,times,effect\nmomentum,0,no\n", False),
        ("train.log", b"\x00\x01,b\n1,2\n", False),
        ("train.log", b"", False),
        ("metrics.json", b"epoch,loss\n0,1\n", False),
    ],
)
def test_claims(name: str, head: bytes, claimed: bool) -> None:
    assert READER.claims(Candidate(Path(name), head)) is claimed


def test_lightning_alternating_blanks_are_not_logged(tmp_path: Path) -> None:
    rows = ["epoch,step,train_loss_epoch,train_loss_step,val_loss"]
    for epoch in range(5):
        rows += [f"{epoch},{10 * epoch + n},,{n / 10}," for n in range(9)]
        rows += [f"{epoch},{10 * epoch + 9},,,0.5", f"{epoch},{10 * epoch + 9},0.4,,"]
    rows += ["5,59,,,0.7", "5,60,,,0.7", "5,61,,,nan", "5,62,,,0.7"]
    run = read(tmp_path, "\n".join(rows) + "\n", "metrics.csv")
    assert {name: len(one) for name, one in series(run).items()} == {
        "epoch": 59, "train_loss_epoch": 5, "train_loss_step": 45, "val_loss": 9,
    }  # fmt: skip
    assert math.isnan(values(run, "val_loss")[-2])
    assert steps(run, "val_loss")[:2] == [9, 19]
    assert series(run)["train_loss_step"].order.tolist()[:3] == [2, 3, 4]
    assert (run.format, run.notes) == ("csv", ())


def test_keras_append_restart_keeps_order(tmp_path: Path) -> None:
    text = "epoch,accuracy,loss\n0,0.5,1.0\n1,0.6,NA\nepoch,accuracy,loss\n0,0.5,0.9\n1,0.7,0.8\n"
    run = read(tmp_path, text, "training.log")
    assert steps(run, "loss") == [0, 0, 1]
    assert values(run, "loss") == [1.0, 0.9, 0.8]
    assert series(run)["loss"].order.tolist() == [2, 5, 6]
    assert steps(run, "accuracy") == [0, 1, 0, 1]


def test_padded_yolov5_cells(tmp_path: Path) -> None:
    text = "               epoch,      train/box_loss,              x/lr0\n" + "".join(
        f"{n:20d},{0.1 / (n + 1):20.5g},{0.01:20.5g}\n" for n in range(3)
    )
    run = read(tmp_path, text, "results.csv")
    assert steps(run, "train/box_loss") == [0, 1, 2]
    assert list(series(run)) == ["train/box_loss", "x/lr0"]


def test_sb3_progress_counts_timesteps(tmp_path: Path) -> None:
    text = (
        "time/fps,time/iterations,time/total_timesteps,train/loss,train/n_updates\n"
        "100,1,2048,,\n101,2,4096,0.5,10\n"
    )
    run = read(tmp_path, text, "progress.csv")
    assert steps(run, "train/loss") == [4096]
    assert "time/total_timesteps" not in series(run)


def test_pandas_writes_nan_as_blank_in_train_rows(tmp_path: Path) -> None:
    rows = ["global_step,grad_norm,loss,validation/loss"]
    for n in range(40):
        rows.append(f"{n},{1.0 + n},{0.5 if n < 20 else 1e5 if n == 20 else 'inf'}," if n < 22
                    else f"{n},,,")  # fmt: skip
        if n % 10 == 0:
            rows.append(f"{n},,,{0.7}")
    run = read(tmp_path, "\n".join(rows), "measurements.csv")
    loss = values(run, "loss")
    assert len(loss) == 40
    assert loss[20:22] == [1e5, math.inf]
    assert all(math.isnan(value) for value in loss[22:])
    assert values(run, "validation/loss") == [0.7] * 4
    assert any("'loss' stays blank in its last 18 rows" in note for note in run.notes)


def test_a_metric_that_goes_blank_while_its_peer_goes_on(tmp_path: Path) -> None:
    rows = ["epoch,loss,accuracy"] + [f"{n},{'' if n > 6 else 0.5},0.1" for n in range(10)]
    run = read(tmp_path, "\n".join(rows) + "\n")
    np.testing.assert_equal(values(run, "loss"), [0.5] * 7 + [math.nan] * 3)


@pytest.mark.parametrize(
    "cells",
    [
        ["0.5"] * 8 + ["", ""],  # too few to tell
        ["0.5"] * 4 + [""] * 3 + ["0.4"] * 3,  # it came back
        ["0.5"] * 7 + ["NA"] * 3,  # says itself that there is none
        ["0.5", "", "0.5", "", "0.5", "", "", "", "", ""],  # every second epoch, then no more
        [""] * 10,
    ],
)
def test_blanks_that_are_not_nan(tmp_path: Path, cells: list[str]) -> None:
    rows = ["epoch,loss,accuracy"] + [f"{n},{cell},0.1" for n, cell in enumerate(cells)]
    run = read(tmp_path, "\n".join(rows) + "\n")
    found = values(run, "loss") if "loss" in series(run) else []
    assert found == [float(cell) for cell in cells if cell not in ("", "NA")]


def test_a_restart_may_log_less(tmp_path: Path) -> None:
    rows = ["epoch,loss,val_loss", *(f"{n},1,2" for n in range(5)), *(f"{n},1," for n in range(9))]
    assert values(read(tmp_path, "\n".join(rows)), "val_loss") == [2.0] * 5


def test_rows_of_another_kind_say_nothing(tmp_path: Path) -> None:
    """AlgoPerf logs the train loss of the first 100 steps, then evaluations only."""
    rows = ["global_step,loss,lr,validation/loss,validation/wer,score"]
    rows += [f"{n},0.5,0.1,,," for n in range(10)]
    rows += [f"{100 * n},,,{'' if n > 4 else 0.9},0.3,1" for n in range(1, 12)]
    rows += ["1200,,,,,1"]
    run = read(tmp_path, "\n".join(rows) + "\n")
    assert len(values(run, "loss")) == 10
    np.testing.assert_equal(values(run, "validation/loss"), [0.9] * 4 + [math.nan] * 7)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("nan", math.nan), ("NaN", math.nan), ("tensor(nan)", math.nan),
        ("\"tensor(nan, device='cuda:0')\"", math.nan), ("inf", math.inf), ("Infinity", math.inf),
        ("-Infinity", -math.inf), ("-inf", -math.inf), ("1e-3", 0.001), ("tensor(0.5)", 0.5),
        ('"0.25"', 0.25), ("  7 ", 7.0), ("+3", 3.0),
    ],
)  # fmt: skip
def test_cells_with_a_value(tmp_path: Path, cell: str, value: float) -> None:
    run = read(tmp_path, f"step,loss\n1,2\n2,{cell}\n3,2\n")
    np.testing.assert_equal(values(run, "loss"), [2.0, value, 2.0])


@pytest.mark.parametrize("cell", ["", " ", "NA", "n/a", "null", "None", "-", "<NA>", '""'])
def test_cells_without_a_value(tmp_path: Path, cell: str) -> None:
    assert steps(read(tmp_path, f"step,loss\n1,2\n2,{cell}\n3,2\n"), "loss") == [1, 3]


@pytest.mark.parametrize(
    "text",
    [
        "step;loss\n1;2\n2;nan\n",
        "step\tloss\n1\t2\n2\tnan\n",
        "step loss\n1 2\n2   nan\n",
        "step,loss\r\n1,2\r\n2,nan\r\n",
        "\ufeffstep,loss\n1,2\n2,nan\n",
        '"step","loss"\n"1","2"\n"2","nan"\n',
        "# step,loss\n1,2\n2,nan\n",
        "\n\nstep,loss\n\n1,2\n2,nan\n\n",
        "step,loss\n1,2\n2,nan\n3",
        "step,loss,\n1,2,\n2,nan,\n",
        "step loss\na 1 2\nb 2 nan\n",
    ],
)
def test_dialects(tmp_path: Path, text: str) -> None:
    run = read(tmp_path, text)
    assert steps(run, "loss") == [1, 2]
    np.testing.assert_equal(values(run, "loss"), [2.0, math.nan])


def test_encodings(tmp_path: Path) -> None:
    assert values(read(tmp_path, "step,loss\n1,2\n".encode("utf-16")), "loss") == [2.0]
    run = read(tmp_path, b"step,loss,caf\xe9\n1,2,3\n")
    assert values(run, "loss") == [2.0]
    assert values(read(tmp_path, b"step,loss\n" + b"1,2\n" * 2000 + bytes(99)), "loss")[-1] == 2.0


@pytest.mark.parametrize(
    ("header", "row", "step", "used_up"),
    [
        ("epoch,step,loss", "1,70,2", 70, "step"),
        ("step,global_step,loss", "7,70,2", 70, "global_step"),
        ("Step,run - loss,run - loss__MIN,run - loss__MAX", "70,2,1,3", 70, "Step"),
        ("_step,_runtime,loss", "70,3.5,2", 70, "_step"),
        ("trainer/global_step,epoch,loss", "70,1,2", 70, "trainer/global_step"),
        ("loss,total timesteps,episode", "2,70,9", 70, "total timesteps"),
        ("epoch,iter,loss", "1,70,2", 70, "iter"),
        ("loss,Epoch", "2,70", 70, "Epoch"),
        (",loss,acc", "70,2,0.5", 70, ""),
        (",epoch,loss", "3,70,2", 70, ""),
        ("Unnamed: 0,loss", "70,2", 70, "Unnamed: 0"),
        ("#,loss", "70,2", 70, "#"),
        ("time/episodes,train/critic_loss,loss", "70,1,2", 70, "time/episodes"),
        ("rollout/episodes,total/epochs,total/steps,loss", "3,1,70,2", 70, "total/steps"),
        ("rollout/episodes,total/episodes,loss", "3,70,2", 70, "total/episodes"),
        ("misc/env_steps,time/iterations,loss", "70,1,2", 70, "misc/env_steps"),
        ("loss,eval/episodes,epoch", "2,5,70", 70, "epoch"),
    ],
)
def test_step_column(tmp_path: Path, header: str, row: str, step: int, used_up: str) -> None:
    run = read(tmp_path, f"{header}\n{row}\n")
    assert steps(run, "loss") == [step]
    assert used_up not in series(run)


def test_constant_step_column_is_not_the_step(tmp_path: Path) -> None:
    run = read(tmp_path, "step,epoch,loss\n0,1,3\n0,2,2\n0,3,1\n")
    assert steps(run, "loss") == [1, 2, 3]
    run = read(tmp_path, "epoch,loss\n0,3\n0,2\n0,1\n")
    assert steps(run, "loss") == [0, 1, 2]
    assert "does not change" in run.notes[0]


def test_batches_that_count_within_the_epoch_are_laid_end_to_end(tmp_path: Path) -> None:
    rows = ["epoch,batch,loss"] + [f"{e},{b},1" for e in range(3) for b in range(4)]
    run = read(tmp_path, "\n".join(rows))
    assert steps(run, "loss") == list(range(12))
    assert "laid end to end" in run.notes[0]


def test_a_restart_is_not_laid_end_to_end(tmp_path: Path) -> None:
    rows = ["epoch,step,loss"] + [f"{s // 4},{s},1" for s in (*range(8), *range(4, 12))]
    assert steps(read(tmp_path, "\n".join(rows)), "loss")[8] == 4


def test_fractional_epochs_are_counted_by_rows(tmp_path: Path) -> None:
    run = read(tmp_path, "epoch,loss\n0.1,3\n0.2,2\n0.3,1\n")
    assert steps(run, "loss") == [0, 1, 2]
    assert values(run, "epoch") == [0.1, 0.2, 0.3]


def test_a_history_without_epochs_is_counted_by_rows(tmp_path: Path) -> None:
    run = read(tmp_path, "val_loss,loss\n3,2\n2,1\n")
    assert steps(run, "loss") == [0, 1]
    assert run.notes == (
        "no step or epoch column, but a history by epoch: the rows are counted instead, from 0",
    )
    assert run.unit == "epoch"


@pytest.mark.parametrize(
    "header",
    ["loss,lr", "train_loss,grad_norm,tokens_per_s", "Gen Loss,Disc Loss", "loss,acc", "time,loss"],
)
def test_a_training_without_steps_is_counted_by_rows(tmp_path: Path, header: str) -> None:
    width = header.count(",") + 1
    rows = [",".join([f"{3 - n / 4}"] * width) for n in range(4)]
    run = read(tmp_path, "\n".join([header, *rows]))
    assert [one.step.tolist() for one in run.series] == [[0, 1, 2, 3]] * len(run.series)
    assert run.notes == (
        "no step or epoch column, but a history of a training: the rows are counted instead,"
        " from 0",
    )
    assert run.unit == "step"


@pytest.mark.parametrize(
    "header",
    [
        "age,cost,weight",
        "weight_loss,calories",
        "lr,batch_size,loss",
        "dropout,lr,train_loss,val_loss",
        "fold,loss,val_loss",
        "lr,val_loss",
        "mse,lr",
        "x,lr",
    ],
)
def test_other_tables_without_steps_are_no_history(tmp_path: Path, header: str) -> None:
    width = header.count(",") + 1
    rows = [",".join(f"{(n * 7 + i) % 5 + 0.5}" for i in range(width)) for n in range(6)]
    with pytest.raises(NotALog, match="no step or epoch column"):
        read(tmp_path, "\n".join([header, *rows]))


def test_rows_that_belong_to_named_trainings_are_no_history(tmp_path: Path) -> None:
    with pytest.raises(NotALog, match="no step or epoch column"):
        read(tmp_path, "name,loss,lr\na,2,0.1\nb,1,0.2\nc,3,0.3\n")
    assert steps(read(tmp_path, "time,loss,lr\n9:01,2,0.1\n9:02,1,0.1\n"), "loss") == [0, 1]


def test_rows_without_an_episode_belong_to_the_last_one(tmp_path: Path) -> None:
    rows = ["time/episodes,train/critic_loss", "1,", "2,8", "3,7", ",6", "4,5"]
    assert steps(read(tmp_path, "\n".join(rows)), "train/critic_loss") == [2, 3, 3, 4]


def test_a_wide_table_of_bare_numbers_is_left_to_its_reader() -> None:
    assert not READER.claims(Candidate(Path("loss.csv"), b"1,2,3\n2,3,4\n3,4,5\n"))
    assert READER.claims(Candidate(Path("loss.csv"), b"1,2\n2,3\n3,4\n"))
    assert READER.claims(Candidate(Path("loss.csv"), b"7,2,3\n2,3,4\n3,4,5\n"))


def test_tensorboard_download(tmp_path: Path) -> None:
    text = "Wall time,Step,Value\n1700000000.5,10,0.5\n1700000001.5,20,NaN\n"
    run = read(tmp_path, text, "run-exp_1-tag-train_loss.csv")
    loss = series(run)["train_loss"]
    np.testing.assert_equal(loss.value, [0.5, math.nan])
    assert loss.wall is not None
    assert loss.wall.tolist() == [1700000000.5, 1700000001.5]


def test_torchrl_table_without_header(tmp_path: Path) -> None:
    run = read(tmp_path, "1,0.5\n2,0.25\n", "train_loss.csv")
    assert steps(run, "train_loss") == [1, 2]


def test_fastai_time_is_left_out(tmp_path: Path) -> None:
    run = read(tmp_path, "epoch,train_loss,valid_loss,time\n0,2,3,00:11\n1,1,2,00:10\n")
    assert list(series(run)) == ["train_loss", "valid_loss"]


def test_splits_in_a_column(tmp_path: Path) -> None:
    run = read(tmp_path, "epoch,phase,loss\n0,train,3\n0,val,4\n1,train,2\n1,val,3\n")
    assert values(run, "train/loss") == [3.0, 2.0]
    assert values(run, "val/loss") == [4.0, 3.0]


def test_tags_in_a_column(tmp_path: Path) -> None:
    run = read(tmp_path, "step,tag,value\n0,loss,3\n0,lr,0.1\n1,loss,2\n")
    assert (values(run, "loss"), values(run, "lr")) == ([3.0, 2.0], [0.1])


def test_repeated_names_are_told_apart(tmp_path: Path) -> None:
    assert list(series(read(tmp_path, "step,loss,loss\n1,2,3\n2,2,3\n"))) == ["loss", "loss.1"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("Variant,Train BPB\nrope,0.79\npi,0.79\n", "column; columns: Variant, Train BPB"),
        ("EventId,mass,Label\n100000,138.47,s\n100001,160.9,b\n", "no step or epoch column"),
        ("step,name\n1,a\n2,b\n", "no column of numbers beside the step"),
        ("step\n1\n2\n", "no column of numbers"),
        ("1,2,3\n4,5,6\n", "without a header"),
        ("x,y\n1,2\n", "no step or epoch column; columns: x, y"),
        ("step,loss\n", "no step"),
    ],
)  # fmt: skip
def test_no_log(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(NotALog, match=reason) as caught:
        read(tmp_path, text)
    assert not caught.value.broken


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x1a\n\0\0\0", b"step,loss\n1," + b"9" * 200_000])
def test_broken_tables(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NotALog) as caught:
        read(tmp_path, data)
    assert caught.value.broken


def test_tables_of_different_runs_stay_apart(tmp_path: Path) -> None:
    table = "epoch,loss,val_loss\n0,1,2\n1,1,2\n"
    assert sorted(runs(tmp_path, {"a.csv": table, "b.csv": table, "c/a.csv": table})) == [
        "a.csv", "b.csv", "c/a.csv",
    ]  # fmt: skip


def test_one_table_for_each_metric_is_one_run(tmp_path: Path) -> None:
    found = runs(
        tmp_path,
        {
            "job/Train_Samples_train_loss.csv": "step,train_loss\n8,1\n16,2\n",
            "job/Train_Samples_lr.csv": "step,lr\n8,0.1\n16,0.1\n",
            "job/Train_Samples_elapsed_time_ms.csv": "step,elapsed_time_ms\n8,5\n16,5\n",
        },
    )
    assert list(found) == ["job"]
    assert sorted(series(found["job"])) == [
        f"Train/Samples/{name}" for name in ("elapsed_time_ms", "lr", "train_loss")
    ]


def test_tables_of_torchrl_are_one_run_however_deep(tmp_path: Path) -> None:
    table = "0,0.5\n10,0.25\n"
    names = ("train/loss", "train/net/grad_norm", "reward")
    found = runs(tmp_path, {f"a/scalars/{name}.csv": table for name in names})
    assert list(found) == ["a/scalars"]
    assert sorted(series(found["a/scalars"])) == sorted(names)
    assert steps(found["a/scalars"], "train/loss") == [0, 10]


def test_tables_with_a_header_are_not_of_torchrl(tmp_path: Path) -> None:
    table = "step,loss\n0,0.5\n10,0.25\n"
    found = runs(tmp_path, {"scalars/a/log.csv": table, "scalars/b/log.csv": table})
    assert sorted(found) == ["scalars/a/log.csv", "scalars/b/log.csv"]


def test_downloads_of_tensorboard_are_one_run(tmp_path: Path) -> None:
    table = "Wall time,Step,Value\n1700000000,1,1\n1700000001,2,1\n"
    found = runs(tmp_path, {f"run-a-tag-{tag}.csv": table for tag in ("loss", "lr", "grad_norm")})
    assert list(found) == ["run-a"]
    assert sorted(series(found["run-a"])) == ["grad_norm", "loss", "lr"]


def test_downloads_of_several_runs(tmp_path: Path) -> None:
    table = "Wall time,Step,Value\n1700000000,1,1\n1700000001,2,1\n"
    names = [f"run-{run}-tag-{tag}.csv" for run in "ab" for tag in ("loss", "lr")]
    assert sorted(runs(tmp_path, dict.fromkeys(names, table))) == ["run-a", "run-b"]


def test_training_and_validation_tables_are_one_run(tmp_path: Path) -> None:
    table = "epoch,loss\n0,1\n1,2\n"
    found = runs(tmp_path, {"train_log.csv": table, "val_log.csv": table})
    assert list(found) == ["."]
    assert sorted(series(found["."])) == ["train/loss", "val/loss"]
    found = runs(tmp_path, {"t/train.csv": table, "t/valid.csv": "epoch,val_loss\n0,1\n1,3\n"})
    assert sorted(series(found["t"])) == ["loss", "val_loss"]


def test_excerpt_of_another_table(tmp_path: Path) -> None:
    found = runs(
        tmp_path,
        {
            "measurements.csv": "global_step,loss,train/loss\n0,1,1\n1,1,1\n",
            "eval_measurements.csv": "global_step,train/loss\n0,1\n1,1\n",
        },
    )
    (run,) = found.values()
    assert sorted(series(run)) == ["loss", "train/loss"]
    assert any("eval_measurements.csv repeats train/loss" in note for note in run.notes)


def test_a_part_that_cannot_be_read_is_noted(tmp_path: Path) -> None:
    tables = {"a/loss.csv": "step,loss\n1,2\n2,1\n", "a/tag.csv": "step,tag\n1,x\n2,y\n"}
    run = runs(tmp_path, tables)["a"]
    assert list(series(run)) == ["loss"]
    assert run.notes == ("tag.csv: no column of numbers beside the step; columns: step, tag",)
    with pytest.raises(NotALog, match="no column of numbers"):
        runs(tmp_path / "b", {name: tables["a/tag.csv"].replace("tag", name) for name in "xy"})


def test_a_table_that_is_no_log_stays_apart(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("epoch,loss\n0,1\n1,2\n")
    (tmp_path / "data.csv").write_text("x,y\n1,2\n")
    files = [tmp_path / "log.csv", tmp_path / "data.csv"]
    assert len(list(READER.group(files, tmp_path))) == 2


def test_runs_of_a_wandb_export(tmp_path: Path) -> None:
    text = (
        '"Step","run a - train/loss","run a - train/loss__MIN","run a - train/loss__MAX",'
        '"b - train/loss","b - train/loss__MIN","b - train/loss__MAX"\n'
        '"1","3","3","3","4","4","4"\n"2","NaN","2","2","","",""\n"3","1","1","1","","",""\n'
        '"4","1","1","1","","",""\n'
    )
    found = runs(tmp_path, {"export.csv": text})
    assert sorted(found) == ["export.csv/b", "export.csv/run a"]
    np.testing.assert_equal(values(found["export.csv/run a"], "train/loss"), [3, math.nan, 1, 1])
    assert values(found["export.csv/b"], "train/loss") == [4.0]


def test_one_run_of_a_wandb_export(tmp_path: Path) -> None:
    text = '"Step","a - loss","a - loss__MIN","a - loss__MAX","a - lr"\n1,3,3,3,4\n2,3,3,3,4\n'
    assert list(series(read(tmp_path, text))) == ["loss", "lr"]


CELLS = st.one_of(
    st.sampled_from(["", "nan", "NaN", "inf", "-inf", "NA"]),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_round_trip_keeps_blank_and_nan_apart(
    rows: list[tuple[str, str]], delimiter: str, end: str
) -> None:
    written = io.StringIO(newline="")
    writer = csv.writer(written, delimiter=delimiter, lineterminator=end)
    writer.writerow(["step", "loss", "grad_norm"])
    writer.writerows([n, *row] for n, row in enumerate(rows))
    table = parse_table(written.getvalue().encode(), "x")
    columns = {column.name: column for column in table.columns}
    assert columns["step"].value.tolist() == list(range(len(rows)))
    for index, name in enumerate(("loss", "grad_norm")):
        cells = [row[index] for row in rows]
        if all(cell in ("", "NA") for cell in cells):
            assert name not in columns
            continue
        logged = [n for n, cell in enumerate(cells) if cell not in ("", "NA")]
        assert columns[name].row.tolist() == logged
        np.testing.assert_equal(columns[name].value, [float(cells[n]) for n in logged])
        assert columns[name].blank.tolist() == [n for n, cell in enumerate(cells) if cell == ""]
