"""The tables of frameworks that the tests do not install, by hand as their sources write them.

Ultralytics, YOLOv5, DeepSpeed's monitor, torchrl, fastai, timm, AlgoPerf and Keras' CSVLogger.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.written import truth
from tests.written.truth import Record, Truth, Truths

CASES = (
    "ultralytics", "ultralytics_8_0", "yolov5", "deepspeed", "torchrl", "torchrl_groups", "fastai",
    "fastai_twice", "timm", "timm_no_validation", "algoperf", "keras_csv", "keras_csv_twice",
)  # fmt: skip
EPOCHS = 8
DIVERGED = 6
DETECTION = (
    "train/box_loss", "train/cls_loss", "train/dfl_loss",
    "metrics/precision(B)", "metrics/recall(B)", "metrics/mAP50(B)", "metrics/mAP50-95(B)",
    "val/box_loss", "val/cls_loss", "val/dfl_loss", "lr/pg0", "lr/pg1", "lr/pg2",
)  # fmt: skip
YOLOV5 = (
    "train/box_loss", "train/obj_loss", "train/cls_loss",
    "metrics/precision", "metrics/recall", "metrics/mAP_0.5", "metrics/mAP_0.5:0.95",
    "val/box_loss", "val/obj_loss", "val/cls_loss", "x/lr0", "x/lr1", "x/lr2",
)  # fmt: skip


def values(names: Sequence[str], epochs: int = EPOCHS) -> list[dict[str, float]]:
    """A row for each epoch: random numbers, losses that end in NaN, a first validation of inf."""
    drawn = np.random.default_rng(0).lognormal(-1, 2, size=(epochs, len(names)))
    rows = [dict(zip(names, map(float, row), strict=True)) for row in drawn]
    for epoch, row in enumerate(rows):
        for name in names:
            if epoch >= DIVERGED and name.startswith("train") and "loss" in name:
                row[name] = math.nan
            if epoch == 0 and name.startswith("val/"):
                row[name] = math.inf
    return rows


def logged(rows: Sequence[Mapping[str, float]], first: int = 0) -> Record:
    record = Record()
    for index, row in enumerate(rows):
        record.add(first + index, row)
    return record


def ultralytics(out: Path) -> Truth:
    """From 8.1 on: no padding, epochs from 1, the seconds of the run."""
    rows = [{"time": 1.5 * (i + 1), **row} for i, row in enumerate(values(DETECTION))]
    lines = [",".join(["epoch", *rows[0]])]
    lines += [
        ",".join(f"{value:.6g}" for value in (epoch + 1, *row.values()))
        for epoch, row in enumerate(rows)
    ]
    return padded(out, lines, Truth(logged(rows, 1).series, "ultralytics", keeps=".6g"))


def ultralytics_8_0(out: Path) -> Truth:
    lines, rows = columns(DETECTION, 23)
    return padded(out, lines, Truth(rows.series, "ultralytics", keeps=".5g"))


def yolov5(out: Path) -> Truth:
    lines, rows = columns(YOLOV5, 20)
    return padded(out, lines, Truth(rows.series, "yolov5", keeps=".5g"))


def columns(names: Sequence[str], width: int) -> tuple[list[str], Record]:
    rows = values(names)
    lines = [",".join(f"{name:>{width}}" for name in ("epoch", *names))]
    lines += [
        ",".join(f"{value:>{width}.5g}" for value in (epoch, *row.values()))
        for epoch, row in enumerate(rows)
    ]
    return lines, logged(rows)


def padded(out: Path, lines: Sequence[str], told: Truth) -> Truth:
    (out / "results.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return told


def deepspeed(out: Path) -> Truth:
    """One file for each metric, on the axis of samples; a restart writes the header again."""
    names = tuple(
        f"Train/Samples/{name}" for name in ("train_loss", "lr", "loss_scale", "elapsed_time_ms")
    )
    rows, record = values(names, 12), Record()
    rows[-1][names[0]] = math.nan
    job = out / "logs" / "job"
    job.mkdir(parents=True)
    for name in names:
        with (job / f"{name.replace('/', '_')}.csv").open("w", newline="") as file:
            table = csv.writer(file)
            for index, row in enumerate(rows):
                if index in (0, 7):
                    table.writerow(["step", name.rpartition("/")[2]])
                table.writerow([32 * (index + 1), row[name]])
                record.add(32 * (index + 1), {name: row[name]})
    return Truth(record.series, "deepspeed")


def torchrl(out: Path) -> Truth:
    return scalars(out, ("loss_objective", "loss_critic", "grad_norm"))


def torchrl_groups(out: Path) -> Truth:
    """A slash in a name makes a directory."""
    return scalars(out, ("train/loss", "train/grad_norm", "eval/reward"))


def scalars(out: Path, names: Sequence[str]) -> Truth:
    rows = values(names)
    for name in names:
        file = out / "experiment" / "scalars" / f"{name}.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{10 * i},{row[name]}\n" for i, row in enumerate(rows)))
    (out / "experiment" / "texts").mkdir()
    (out / "experiment" / "texts" / "hparams0.txt").write_text("lr: 0.1\nseed: 0")
    record = Record()
    for index, row in enumerate(rows):
        record.add(10 * index, row)
    return Truth(record.series)


def fastai(out: Path) -> Truth:
    return history(out, 1)


def fastai_twice(out: Path) -> Truth:
    """Two fits with `append=True`: the header again, and the epochs from 0."""
    return history(out, 2)


def history(out: Path, fits: int) -> Truth:
    rows = values(("train_loss", "valid_loss", "accuracy"))
    record = Record()
    with (out / "history.csv").open("w") as file:
        for _ in range(fits):
            file.write(",".join(["epoch", *rows[0], "time"]) + "\n")
            for epoch, row in enumerate(rows):
                file.write(",".join(map(str, (epoch, *row.values(), f"00:{epoch:02d}"))) + "\n")
                record.add(epoch, row)
    return Truth(record.series, "fastai")


def timm(out: Path) -> Truth:
    return summary(out, ("train_loss", "eval_loss", "eval_top1", "eval_top5", "lr"))


def timm_no_validation(out: Path) -> Truth:
    told = summary(out, ("train_loss", "lr"))
    return Truth(told.series)


def summary(out: Path, names: Sequence[str]) -> Truth:
    rows = values(names)
    with (out / "summary.csv").open("w") as file:
        table = csv.DictWriter(file, ["epoch", *names])
        table.writeheader()
        table.writerows({"epoch": epoch, **row} for epoch, row in enumerate(rows))
    return Truth(logged(rows).series, "timm")


def algoperf(out: Path) -> Truth:
    """Training rows and evaluation rows; NaN becomes a blank, for pandas writes the table."""
    rows: list[dict[str, float]] = []
    for index, row in enumerate(values(("grad_norm", "loss"), 20)):
        broken = math.inf if index == 14 else math.nan if index > 14 else 0.0
        rows.append({"global_step": 100 * index, **{k: v + broken for k, v in row.items()}})
        if index % 6 == 1:
            rows.append(
                {"global_step": 100 * index + 1, "train/loss": row["loss"] + 1}
                | {"validation/loss": row["loss"] + 2, "score": 0.1 * index}
                | {"total_duration": 60.0 * index, "accumulated_submission_time": 50.0 * index}
            )
    trial = out / "trial_1"
    trial.mkdir()
    pd.DataFrame(rows).to_csv(trial / "measurements.csv", index=False)
    evaluated = [row for row in rows if "score" in row]
    pd.DataFrame(evaluated).to_csv(trial / "eval_measurements.csv", index=False)
    record = Record()
    for row in rows:
        step = int(row["global_step"])
        record.add(step, {name: value for name, value in row.items() if name != "global_step"})
    return Truth(record.series, "algoperf")


def keras_csv(out: Path) -> Truth:
    return training_log(out, 1)


def keras_csv_twice(out: Path) -> Truth:
    """`append=True`: no second header, the epochs begin again at 0."""
    return training_log(out, 2)


def training_log(out: Path, fits: int) -> Truth:
    rows = values(("accuracy", "loss", "val_accuracy", "val_loss"))
    record = Record()
    with (out / "training.log").open("w") as file:
        table = csv.writer(file)
        table.writerow(["epoch", *rows[0]])
        for _ in range(fits):
            for epoch, row in enumerate(rows):
                # What an epoch did not measure is NA, as with a `validation_freq` of 2.
                seen = {k: v for k, v in row.items() if epoch % 2 or not k.startswith("val")}
                table.writerow([epoch, *(seen.get(name, "NA") for name in row)])
                record.add(epoch, seen)
    return Truth(record.series, "keras")


WRITERS: Mapping[str, Callable[[Path], Truth]] = {
    write.__name__: write
    for write in (
        ultralytics, ultralytics_8_0, yolov5, deepspeed, torchrl, torchrl_groups, fastai,
        fastai_twice, timm, timm_no_validation, algoperf, keras_csv, keras_csv_twice,
    )
}  # fmt: skip


def write(out: Path) -> Truths:
    told: dict[str, Any] = {}
    for case, writer in WRITERS.items():
        (out / case).mkdir()
        told[case] = {"": writer(out / case)}
    return told


if __name__ == "__main__":
    truth.main(write)
