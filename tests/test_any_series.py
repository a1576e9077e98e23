"""Any numbers whatever, in any roles, are diagnosed without an exception, as valid JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradcheck import diagnosis
from gradcheck.model import Report, Run, Series
from gradcheck.readers import roles
from gradcheck.reports import json as json_report
from gradcheck.reports import text as text_report
from gradcheck.reports.base import Canvas
from tests.synthetic import Column

NAMES = [
    "loss",
    "train/loss",
    "val_loss",
    "grad_norm",
    "lr",
    "loss_scale",
    "epoch",
    "G_loss",
    "D_loss",
    "weight_norm",
    "bce_loss",
    "ctc_loss",
    "physics_loss",
    "data_loss",
    "grad_norm/fc1.weight",
    "grad_norm/fc1.bias",
    "grad_norm/fc2.weight",
    "p_max",
    "log_sigma",
    "nan_in_batch",
    "zero_frac",
    "train/policy_loss",
    "skipped_steps",
]
LENGTHS = [1, 2, 3, 5, 8, 20, 50, 120, 400]

Twist = Callable[[Column, np.random.Generator], Column]
TWISTS: tuple[Twist, ...] = (
    lambda v, rng: v,
    lambda v, rng: np.zeros_like(v),
    lambda v, rng: np.full_like(v, np.nan),
    lambda v, rng: np.where(rng.random(len(v)) < 0.1, np.nan, v),
    lambda v, rng: np.where(np.arange(len(v)) >= rng.integers(0, len(v)), np.nan, v),
    lambda v, rng: np.where(rng.random(len(v)) < 0.05, np.inf, v),
    lambda v, rng: np.where(rng.random(len(v)) < 0.05, -np.inf, v),
    lambda v, rng: np.where(rng.random(len(v)) < 0.2, 0.0, v),
    lambda v, rng: -v,
    lambda v, rng: v - np.median(v),
    lambda v, rng: np.full_like(v, v[0]),
    lambda v, rng: v * np.exp(np.minimum(np.arange(len(v)) * rng.uniform(-1, 1), 600)),
    lambda v, rng: np.cumsum(rng.normal(0, 1e300, len(v))),
)


def any_steps(rng: np.random.Generator, rows: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Steps with repeats, gaps and, now and then, a rewind."""
    steps = np.cumsum(rng.integers(0, 100 if rng.random() < 0.5 else 3, rows))
    if rows > 5 and rng.random() < 0.2:
        steps[rows // 2 :] -= steps[rows // 2] - steps[rng.integers(0, rows // 2)]
    return steps.astype(np.int64)


def any_run(rng: np.random.Generator) -> Run:
    """Some series of random names, lengths and defects."""
    rows = int(rng.choice(LENGTHS))
    steps = any_steps(rng, rows)
    series = []
    for name in rng.choice(NAMES, size=rng.integers(1, 8), replace=False):
        kept = np.sort(rng.choice(rows, rows if rng.random() < 0.7 else max(1, rows // 3), False))
        values = np.exp(rng.normal(0, rng.uniform(0.01, 2), len(kept)) + rng.normal(0, 5))
        twist = TWISTS[rng.integers(0, len(TWISTS))]
        with np.errstate(over="ignore", invalid="ignore"):
            series.append(Series(str(name), kept.astype(np.int64), steps[kept], twist(values, rng)))
    unit = str(rng.choice(["step", "epoch"]))
    return roles.assign(Run(Path("run"), "csv", tuple(series), unit=unit), {})


def refuse(word: str) -> float:
    """NaN and Infinity are no JSON."""
    raise AssertionError(f"{word} in the report")


@pytest.mark.parametrize("seed", range(20))
def test_any_series_are_diagnosed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(30):
        report = Report((diagnosis.diagnose(any_run(rng)),))
        written = json_report.RENDERER.render(report, Canvas())
        (run,) = json.loads(written, parse_constant=refuse)["runs"]
        assert sum(found["confidence"] for found in run["diagnoses"]) <= 1.0001
        assert all(found["evidence"] for found in run["diagnoses"])
    assert text_report.RENDERER.render(report, Canvas(80))
