"""What frameworks print, format by format: `text_samples/NAME.txt` and the series expected of it.

An expectation holds a line for the unit of the steps, and one for every series that is compared:
its name, and `line:step:value` for each of its points.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from gradcheck.model import Role
from tests.readers.text_logs import points, run_of

SAMPLES = Path(__file__).parent / "text_samples"
NAMES = sorted(path.stem for path in SAMPLES.glob("*.txt"))


def expectation(name: str) -> tuple[str, dict[str, list[tuple[int, int, float | str]]]]:
    head, *lines = (SAMPLES / f"{name}.expected").read_text(encoding="utf-8").splitlines()
    series = {}
    for line in lines:
        title, _, cells = line.partition("\t")
        split = [cell.split(":") for cell in cells.split(" ")]
        series[title] = [(int(line), int(step), _value(value)) for line, step, value in split]
    return head.partition("\t")[2], series


def _value(text: str) -> float | str:
    return float(text) if math.isfinite(float(text)) else text


@pytest.mark.parametrize("name", NAMES)
def test_series_of_a_framework(name: str) -> None:
    unit, expected = expectation(name)
    run = run_of((SAMPLES / f"{name}.txt").read_bytes())
    assert run.unit == unit
    assert {title: points(run, title) for title in expected} == expected


@pytest.mark.parametrize("name", NAMES)
def test_nothing_else_is_taken_for_something_judged(name: str) -> None:
    _, expected = expectation(name)
    run = run_of((SAMPLES / f"{name}.txt").read_bytes())
    unjudged = (Role.OTHER, Role.EPOCH)
    judged = {series.name for series in run.series if series.role not in unjudged}
    assert judged <= expected.keys()


def test_every_expectation_has_its_sample() -> None:
    assert sorted(path.stem for path in SAMPLES.glob("*.expected")) == NAMES
    assert len(NAMES) > 40


@pytest.mark.parametrize(
    ("name", "role", "series"),
    [
        ("megatron", Role.LOSS, "lm loss"),
        ("megatron", Role.VALIDATION_LOSS, "val/lm loss value"),
        ("megatron", Role.NAN_STEPS, "number of nan iterations"),
        ("deepspeed_old", Role.LOSS_SCALE, "loss scale"),
        ("fairseq_json", Role.GRAD_NORM, "train_inner/gnorm"),
        ("fairseq_simple", Role.LOSS, "loss"),
        ("olmocore", Role.GRAD_NORM, "optim/total grad norm"),
        ("composer", Role.LOSS, "Train loss/train/total"),
        ("swin", Role.VALIDATION_LOSS, "test/Loss"),
        ("tutorial", Role.VALIDATION_LOSS, "test/Avg loss"),
        ("nnunet2", Role.LEARNING_RATE, "Current learning rate"),
        ("chainer", Role.LOSS, "main/loss"),
        ("yolact", Role.LOSS, "total loss"),
        ("darknet", Role.LOSS, "loss"),
        ("caffe", Role.LOSS, "loss"),
        ("flashy_pasted", Role.LOSS, "train/ce"),
        ("fairseq_few", Role.LOSS_SCALE, "loss scale"),
    ],
)
def test_roles(name: str, role: Role, series: str) -> None:
    assert run_of((SAMPLES / f"{name}.txt").read_bytes()).primary[role] == series
