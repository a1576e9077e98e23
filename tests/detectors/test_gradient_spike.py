"""Gradient spikes: above the norm's own noise, for a while."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.gradient_spike import detect
from tests.synthetic import Columns, Rows, decay, norms, put, run_of, scale, steady, told

ROWS = 500

NONE: dict[str, Columns] = {
    "no norm": {"loss": scale(decay(ROWS), 300, 50.0)},
    "twice the usual": {"grad_norm": scale(norms(ROWS), 300, 2.0)},
    "heavy tails": {"grad_norm": norms(ROWS, noise=1.0)},
    "constant (clipped)": {"grad_norm": np.ones(ROWS)},
    "exactly zero now and then": {"grad_norm": put(norms(ROWS), [200, 300], 0.0)},
    "infinite only": {"grad_norm": put(norms(ROWS), 300, np.inf)},
    "layers": {
        "grad/a.weight": scale(norms(ROWS), 300, 50.0),
        "grad/b.weight": norms(ROWS),
    },
    "huge first rows": {"grad_norm": np.concatenate([[900.0, 300.0, 50.0], norms(ROWS)])},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize(
    ("rows", "at", "back"),
    [
        (20, [14], [True]),
        (500, [300], [True]),
        (500, [200, 210, 220], [True, True, True]),
        (500, [499], [False]),
        (20_000, [15_000, 19_000], [True, True]),
    ],
)
def test_spikes(rows: int, at: list[int], back: list[bool], unit: float) -> None:
    norm = scale(norms(rows), at, 40.0) * unit
    events = list(detect(run_of({"loss": decay(rows), "grad_norm": norm})))
    assert told(events) == [
        ("gradient_spike", "spike", step, recovered)
        for step, recovered in zip(at, back, strict=True)
    ]


def test_a_spike_behind_a_skipped_step_keeps_its_own_step() -> None:
    steps: Rows = np.arange(ROWS) * 10
    norm = scale(put(norms(ROWS), [100, 101, 299], np.inf), 300, 40.0)
    (event,) = detect(run_of({"grad_norm": norm}, steps))
    assert event.step == 3000
    assert event.value == norm[300]


def test_a_spike_says_how_many_times_the_level_it_reached() -> None:
    norm = put(norms(ROWS, noise=0.05), 300, 40.0)
    (event,) = detect(run_of({"grad_norm": norm}))
    assert event.ratio == pytest.approx(40.0 / float(np.median(norm[250:300])), rel=0.01)


GAME = {"loss/d": steady(ROWS), "loss/g": steady(ROWS), "optimizer_0/grad_norm": norms(ROWS)}


@pytest.mark.parametrize(("height", "found"), [(3000.0, True), (15.0, False)])
def test_each_of_several_optimizers(height: float, found: bool) -> None:
    spiky = put(norms(ROWS, seed=4), ROWS // 2, height)
    events = list(detect(run_of({**GAME, "optimizer_1/grad_norm": spiky})))
    assert [e.series for e in events] == ["optimizer_1/grad_norm"] * found


def test_spikes_of_every_epoch_are_told_however_often_they_come() -> None:
    rows = list(range(12, 180, 13))
    found = told(list(detect(run_of({"grad_norm": scale(norms(180, noise=0.15), rows, 7.0)}))))
    assert found == [("gradient_spike", "spike", row, True) for row in rows]
