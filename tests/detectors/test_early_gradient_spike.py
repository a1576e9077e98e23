"""The rule for few steps: what is calm first, then what rises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.detectors.early_gradient_spike import FIRST_ROWS, SETTING, detect, rises
from gradcheck.model import Role, Run, Series

NAN = float("nan")


def rows(values: list[float], ratio: float = 10.0) -> list[int]:
    return [int(row) for row in np.flatnonzero(rises(np.array(values, dtype=float), ratio))]


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1.0],
        [1.0, 1000.0],  # nothing to compare with
        [1.0, 2.0, 9.0, 3.0, 1.0],  # noise
        [1000.0, 100.0, 10.0, 1.0, 1.0],  # falls from a high start
        [0.0, 0.0, 0.0, 5.0, 0.0],  # no ratio to nothing
        [1.0, 1.0, NAN, 1.0],  # told by another detector
        [100.0, 1e-7, 1e-9, 1e-6, 1e-9],  # what is left of a gradient at the optimum
        [1.0, 4.0, 8.0, 9.0, 9.5],  # warm-up
        [0.01, 0.02, 0.5, 0.6, 0.7],  # off from a start at zero: most steps are at the new level
    ],
)
def test_calm(values: list[float]) -> None:
    assert rows(values) == []


@pytest.mark.parametrize(
    ("values", "risen"),
    [
        ([1.0, 1.0, 1.0, 50.0, 1.0], [3]),
        ([1.0, 2.0, 50.0], [2]),
        ([1.0, 1.0, 50.0, 50.0, 1.0], [2, 3]),
        ([1.0, 10.5, 110.0, 1200.0, 13000.0], [3, 4]),
        ([1.0, NAN, 1.0, 50.0], [3]),
        ([100.0, 1.0, 1.0, 1.0, 50.0], [4]),
    ],
)
def test_rises(values: list[float], risen: list[int]) -> None:
    assert rows(values) == risen


norms = st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=FIRST_ROWS)


@settings(deadline=None)
@given(norms, st.floats(1.1, 100))
def test_what_stays_within_the_ratio_is_calm(values: list[float], ratio: float) -> None:
    if max(values) <= ratio * min(values):
        assert rows(values, ratio) == []


@settings(deadline=None)
@given(norms, st.integers(-20, 20))
def test_the_unit_does_not_matter(values: list[float], power: int) -> None:
    assert rows(values) == rows([value * 2.0**power for value in values])


@settings(deadline=None)
@given(norms)
def test_a_larger_ratio_finds_no_more(values: list[float]) -> None:
    assert set(rows(values, 20.0)) <= set(rows(values, 5.0))


def run(values: list[float], name: str = "grad_norm", ratio: object = None) -> Run:
    step = np.arange(len(values))
    norm = Series(name, step, step, np.array(values), role=Role.GRAD_NORM)
    return Run(Path("r"), "tensorboard", (norm,), hparams={} if ratio is None else {SETTING: ratio})


def test_only_logs_that_ask_for_it_are_judged() -> None:
    values = [1.0, 1.0, 1.0, 50.0, 1.0]
    assert list(detect(run(values))) == []
    for wrong in (0.5, "10", True, NAN):
        assert list(detect(run(values, ratio=wrong))) == []
    (event,) = detect(run(values, ratio=10.0))
    assert (event.step, event.last_step, event.value, event.recovered) == (3, 3, 50.0, True)


def test_each_optimizer_is_judged() -> None:
    calm, risen = (
        run([1.0] * 5, "optimizer_0/grad_norm"),
        run([1.0, 1.0, 1.0, 60.0, 70.0], "optimizer_1/grad_norm"),
    )
    both = Run(Path("r"), "tensorboard", calm.series + risen.series, hparams={SETTING: 10})
    (event,) = detect(both)
    assert (event.series, event.step, event.last_step) == ("optimizer_1/grad_norm", 3, 4)
    assert not event.recovered


def test_later_rows_are_left_to_the_other_detectors() -> None:
    values = [1.0] * FIRST_ROWS + [50.0]
    assert list(detect(run(values, ratio=10.0))) == []
