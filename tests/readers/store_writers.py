"""Runs W&B and MLflow, each in a process of its own, and hands back what they were told to log.

Both warn, start servers and keep global state, so none of that happens in the process of the tests.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Points = dict[str, list[tuple[int, float]]]
"""The steps and values of each metric, in the order in which they were logged."""

WANDB = """
import json, math, os
import wandb
from google.protobuf import descriptor_pb2
from wandb.proto import wandb_internal_pb2 as proto

HISTOGRAM = wandb.Histogram(np_histogram=([1, 2], [0.0, 0.5, 1.0]))
logged = {"full": {}, "killed": {}}

def log(run, step, **values):
    plain = {k: v for k, v in values.items() if not isinstance(v, (dict, str, wandb.Histogram))}
    plain.update({f"{k}.{kk}": v for k, below in values.items() if isinstance(below, dict)
                  for kk, v in below.items()})
    for name, value in plain.items():
        logged[run].setdefault(name, []).append((step, float(value)))
    wandb.log(values, step=step)

settings = wandb.Settings(console="off")
config = {"lr": 0.1, "opt": {"name": "adam", "betas": [0.9, 0.99]}, "seed": None}
wandb.init(project="p", id="full", config=config, settings=settings)
wandb.define_metric("val/*", step_metric="epoch")
wandb.config.update({"late": True})
for step in range(60):
    loss = 1 / (step + 1) if step < 40 else [math.inf, -math.inf, math.nan][step % 3]
    log("full", step * 5, **{"train/loss": loss, "grads": {"norm": step * 0.1, "max": math.nan}},
        big=10**25, flag=step % 2 == 0, note="text",
        **({"gradients/w": HISTOGRAM} if step < 40 else {}), **{"parameters/w": HISTOGRAM})
    if step % 20 == 19:
        log("full", step * 5 + 1, **{"val/loss": 0.5 / (step + 1), "epoch": step // 20})
wandb.finish(exit_code=3)

wandb.init(project="p", id="killed", settings=settings)
for step in range(1500):
    log("killed", step, loss=1 / (step + 1), pad="x" * 50)

def fields(name):
    found = descriptor_pb2.DescriptorProto()
    getattr(proto, name).DESCRIPTOR.CopyToProto(found)
    return {f.name: [f.number, f.type, f.label == f.LABEL_REPEATED] for f in found.field}

messages = {"Item": "HistoryItem", "ConfigItem": "ConfigItem", "Step": "HistoryStep",
            "History": "HistoryRecord", "Config": "ConfigRecord", "Run": "RunRecord",
            "Exit": "RunExitRecord", "Record": "Record"}
numbers = {ours: fields(theirs) for ours, theirs in messages.items()}
with open("told.json", "w") as file:
    json.dump({"logged": logged, "fields": numbers}, file)
os._exit(9)
"""

MLFLOW = """
import json, math, pathlib, sys
import mlflow

told = {}

def batch(run, clock, step, **values):
    metrics = [mlflow.entities.Metric(k.replace("__", "/"), v, clock, step)
               for k, v in values.items()]
    mlflow.MlflowClient().log_batch(run, metrics=metrics)
    for metric in metrics:
        told[label].setdefault(metric.key, []).append((metric.step, metric.value, clock))

for uri in sys.argv[1:]:
    kind = uri.partition(":")[0]
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("experiment")
    with mlflow.start_run(run_name="full") as run:
        label = f"{kind}/full"
        told[label] = {}
        mlflow.log_params({"lr": 0.1, "model/name": "net"})
        for step in [*range(10), *range(7, 20)]:  # resumed at 7
            loss = 1 / (step + 1) if step < 16 else [math.nan, math.inf, -math.inf][step % 3]
            clock = 1_700_000_000_000 + 40 * sum(map(len, told[label].values()))
            batch(run.info.run_id, clock, step, loss=loss, grad__norm=step * 0.5)
            if step % 5 == 4:
                batch(run.info.run_id, clock + 1, step, val__loss=2.0 * loss)
        about = {"dataset_name": "d", "dataset_digest": "1f"}
        accuracy = mlflow.entities.Metric("test_acc", 0.5, clock + 2, 20, **about)
        mlflow.MlflowClient().log_batch(run.info.run_id, metrics=[accuracy])
        told[label]["test_acc"] = [(20, 0.5, clock + 2)]
    with mlflow.start_run(run_name="twin") as run:
        label = f"{kind}/stepless"
        told[label] = {}
        for n in range(6):
            clock = 1_700_000_000_000 + 1000 * n
            batch(run.info.run_id, clock, 0, loss=6.0 - n)
            if n % 3 == 2:
                batch(run.info.run_id, clock, 0, val__loss=7.0 - n)
    try:
        with mlflow.start_run(run_name="twin"):
            mlflow.log_metric("loss", 1.0, step=1)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with mlflow.start_run(run_name="deleted") as run:
        mlflow.log_metric("loss", 1.0, step=1)
    mlflow.delete_run(run.info.run_id)
    with mlflow.start_run(run_name="without metrics"):
        mlflow.log_param("a", 1)
pathlib.Path("told.json").write_text(json.dumps(told))
"""


@dataclass(frozen=True)
class Written:
    """A directory that a writer filled, and what it was told."""

    path: Path
    told: dict[str, Any]


def _run(program: str, directory: Path, *arguments: str, expected: int, **environ: str) -> Written:
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=directory,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == expected, ran.stderr
    return Written(directory, json.loads((directory / "told.json").read_text(encoding="utf-8")))


def write_wandb(directory: Path) -> Written:
    """A run `full` that ends with exit code 3, and a run `killed` that logged 1500 steps."""
    offline = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}
    return _run(WANDB, directory, expected=9, **offline)


def write_mlflow(directory: Path) -> Written:
    """The same runs in a file store `mlruns` and in a database `mlflow.db`."""
    uris = (directory / "mlruns").as_uri(), f"sqlite:///{directory / 'mlflow.db'}"
    return _run(MLFLOW, directory, *uris, expected=0, MLFLOW_ALLOW_FILE_STORE="true")
