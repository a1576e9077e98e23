"""Clues of learned single numbers, such as temperatures, in a record of `watch` or in a log."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.model import Run
from tests.causes import runs
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, constant, decay, norms, put, run_of

ROWS, AT = 200, 150
BROKEN = put(decay(ROWS), slice(AT, None), np.nan)
STALLED = runs.nothing_learned(ROWS, 1.0)
CLIMBING = np.concatenate([np.geomspace(2.0, 0.5, 50), np.geomspace(0.5, 1e7, 150)])


def beside(name: str, values: Column, loss: Column = BROKEN) -> Columns:
    return {"loss": loss, f"learned/{name}": values}


def logged(name: str, values: Column, loss: Column = BROKEN) -> Columns:
    """As a script writes it down itself."""
    return {"loss": loss, name: values}


def course(first: float, last: float) -> Column:
    """From one value to another until the loss is NaN; then back."""
    return np.concatenate([np.linspace(first, last, AT), np.linspace(last, first, ROWS - AT)])


def late(first: float, last: float) -> Column:
    """Level until the loss is NaN, and only then away."""
    return np.concatenate([constant(AT, first), np.linspace(first, last, ROWS - AT)])


UNSEEN: Table = {
    "learned_number_ran_away": {
        "constant": beside("logit_scale", constant(ROWS, 2.66)),
        "CLIP's scale, learned up to its clamp": beside("logit_scale", course(2.66, 4.6)),
        "the same, not as a logarithm": beside("logit_scale", course(14.3, 100.0)),
        "a temperature that went down by half": beside("temperature", course(0.07, 0.035)),
        "a gate that opens": beside("blocks.3.gamma", course(0.0, 0.8)),
        "large from the start": beside("scale", course(400.0, 700.0)),
        "a logarithm that was small from the start": beside("log_alpha", course(-8.0, -9.0)),
        "a deviation, which has evidence of its own": beside("log_sigma", course(0.0, -20.0)),
        "a deviation within a block": beside("blocks.3.head.std", course(0.5, 1e-5)),
        "a location": beside("head.loc", course(0.5, 900.0)),
        "a bias": beside("logit_bias", course(-1.0, -12.0)),
        "only after the failure": beside("logit_scale", late(2.66, 9.0)),
        "no number of a record": {"loss": BROKEN, "my_scale": course(2.0, 900.0)},
        "logged, constant": logged("logit_scale", constant(ROWS, 14.3)),
        "logged, up to the clamp": logged("logit_scale", course(2.0, 100.0)),
        "logged, always large": logged("logit_scale", norms(ROWS, usual=200.0)),
        "logged, annealed to 0": logged("temperature", course(1.0, 0.0)),
        "logged, annealed": logged("tau", course(1.0, 0.1)),
        "logged, a logarithm that crosses 0": logged("logit_scale", course(2.66, -0.6)),
        "logged, only after the failure": logged("logit_scale", late(14.3, 1e4)),
        "logged, degrees": logged("system/gpu.0.temp", np.linspace(35.0, 88.0, ROWS)),
        "logged, another name": logged("reward", course(14.3, 1e4)),
        "logged, a healthy run": logged("logit_scale", course(14.3, 1e4), decay(ROWS)),
        "a healthy run": beside("logit_scale", course(2.66, 7.0), decay(ROWS)),
    },
}

SEEN: Table = {
    "learned_number_ran_away": {
        "a logarithm upwards": beside("logit_scale", course(2.66, 6.0)),
        "within a block": beside("blocks.3.attention.logit_scale", course(2.66, 6.0)),
        "whose module is called a variable": beside("variables.mean_pool.tau", course(0.1, 1e-5)),
        "a scale upwards": beside("scale", course(10.0, 900.0)),
        "a temperature to next to nothing": beside("temperature", course(0.1, 1e-5)),
        "a temperature through 0": beside("temperature", course(0.5, -0.1)),
        "an entropy coefficient that drifts all the time": {
            "loss": CLIMBING,
            "learned/optimizer_2/log_alpha": np.linspace(-2.0, 18.0, ROWS),
        },
        **{
            f"logged as {name}": logged(name, course(14.3, 1e4))
            for name in ("logit_scale", "model/logit_scale", "temperature", "train/temp")
        },
        "logged, next to nothing": logged("tau", course(0.07, 1e-5)),
        "logged as a logarithm": logged("clip/logit_scale", course(2.66, -9.0)),
        "in a run that stands still": {
            **STALLED,
            "learned/logit_scale": np.linspace(1.0, -12.0, ROWS),
        },
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 400.0])
def test_whatever_the_size_of_the_loss(unit: float) -> None:
    run = run_of(beside("logit_scale", course(2.66, 6.0), BROKEN * unit))
    (clue,) = [c for key, c in clues_of(run).items() if key == "learned_number_ran_away"]
    assert clue.evidence.series == "learned/logit_scale"
    assert "2.66" in clue.evidence.statement
