"""torch.utils.tensorboard and tensorboardX: every way in which SummaryWriter keeps a scalar."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorboardX
import torch
from torch.utils.tensorboard import SummaryWriter

from tests.written import truth
from tests.written.truth import Record, Truth, Truths

CASES = ("old", "new_style", "double_precision", "groups", "hparams", "x", "x_groups", "x_hparams")
STEPS = 12
ODD = (0.0, -0.0, 1e-45, 1 / 3, math.inf, -math.inf, math.nan, 3e38)
"""Values that a format can lose; all are finite in single precision where they are finite."""


def losses() -> list[float]:
    return [float(value) for value in np.random.default_rng(0).lognormal(size=STEPS)]


def scalars(writer: Any, **options: Any) -> Record:
    record = Record()
    for step, value in enumerate(losses()):
        record.add(step, {"train/loss": value})
        writer.add_scalar("train/loss", torch.tensor(value, dtype=torch.float64), step, **options)
        if step % 4 == 3:
            record.add(step, {"val/loss": value + 1})
            writer.add_scalar("val/loss", value + 1, step, **options)
    for step, value in enumerate(ODD):
        record.add(10**12 + step, {"odd": value})
        writer.add_scalar("odd", value, 10**12 + step, **options)
    writer.close()
    return record


def groups(writer: Any) -> Record:
    """The main tag of `add_scalars` holds one series for each of its keys."""
    record = Record()
    for step, value in enumerate(losses()):
        record.add(step, {"lr": 0.1, "loss/train": value})
        writer.add_scalar("lr", 0.1, step)
        writer.add_scalars(
            "loss", {"train": value} | ({"val": value + 1} if step % 2 else {}), step
        )
        if step % 2:
            record.add(step, {"loss/val": value + 1})
        writer.add_scalars("grad/norm", {"total": math.nan if step > 8 else value}, step)
        record.add(step, {"grad/norm/total": math.nan if step > 8 else value})
    writer.close()
    return record


def hparams(writer: Any, **named: str) -> Record:
    """`add_hparams` writes its metrics as a run below the run of the writer."""
    record = scalars_only(writer)
    writer.add_hparams({"lr": 0.1, "name": "net", "deep": True}, {"hparam/loss": 0.25}, **named)
    place = next(iter(named.values()))
    record.add(0, {f"{place}/hparam/loss": 0.25})
    writer.close()
    return record


def scalars_only(writer: Any) -> Record:
    record = Record()
    for step, value in enumerate(losses()):
        record.add(step, {"loss": value})
        writer.add_scalar("loss", value, step)
    return record


def write(out: Path) -> Truths:
    ways: dict[str, Callable[[Any], Record]] = {
        "old": scalars,
        "new_style": lambda writer: scalars(writer, new_style=True),
        "double_precision": lambda writer: scalars(writer, new_style=True, double_precision=True),
        "groups": groups,
        "hparams": lambda writer: hparams(writer, run_name="best"),
        "x": scalars,
        "x_groups": groups,
        "x_hparams": lambda writer: hparams(writer, name="best"),
    }
    truths: Truths = {}
    for case, way in ways.items():
        kind = tensorboardX.SummaryWriter if case.startswith("x") else SummaryWriter
        keeps = "float64" if case == "double_precision" else "float32"
        truths[case] = {"": Truth(way(kind(str(out / case))).series, keeps=keeps)}
    return truths


if __name__ == "__main__":
    truth.main(write)
