"""Learning-rate jumps that hurt."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.learning_rate_jump import detect
from tests.synthetic import Columns, constant, decay, norms, put, run_of, scale, told, warm_up

ROWS = 300
JUMP = scale(constant(ROWS), slice(200, None), 10.0)
WORSE = scale(decay(ROWS), slice(201, 215), 3.0)

NONE: dict[str, Columns] = {
    "no rate": {"loss": WORSE},
    "constant": {"loss": WORSE, "lr": constant(ROWS)},
    "a jump that does not hurt": {"loss": decay(ROWS), "grad_norm": norms(ROWS), "lr": JUMP},
    "a drop": {"loss": WORSE, "lr": scale(constant(ROWS), slice(200, None), 0.1)},
    "half as much again": {"loss": WORSE, "lr": scale(constant(ROWS), slice(200, None), 1.5)},
    "a warm-up from zero": {"loss": WORSE, "lr": warm_up(ROWS, ramp=250)},
    "the first rows": {"loss": scale(decay(ROWS), slice(2, 9), 9.0), "lr": warm_up(ROWS, ramp=3)},
    "up from exactly zero": {"loss": WORSE, "lr": put(constant(ROWS), slice(0, 200), 0.0)},
}


@pytest.mark.parametrize("columns", NONE.values(), ids=NONE)
def test_none(columns: Columns) -> None:
    assert told(list(detect(run_of(columns)))) == []


@pytest.mark.parametrize(
    ("columns", "recovered"),
    [
        ({"loss": WORSE, "lr": JUMP}, True),
        ({"loss": scale(decay(ROWS), slice(201, None), 9.0), "lr": JUMP}, False),
        ({"loss": put(decay(ROWS), slice(203, None), np.nan), "lr": JUMP}, False),
        (
            {
                "loss": decay(ROWS),
                "grad_norm": scale(norms(ROWS), slice(201, 208), 30.0),
                "lr": JUMP,
            },
            True,
        ),
        ({"loss": WORSE * 1e-6, "lr": JUMP * 1e3}, True),
    ],
    ids=["worse for a while", "worse for good", "NaN", "worse norm", "other units"],
)
def test_found(columns: Columns, recovered: bool) -> None:
    events = list(detect(run_of(columns)))
    assert told(events) == [("learning_rate_jump", "warning", 200, recovered)]


def test_every_jump_that_hurts_is_told() -> None:
    rate = 1e-3 * 0.1 ** ((np.arange(ROWS) % 100) / 100)
    loss = scale(decay(ROWS), [*range(100, 106), *range(200, 206)], 4.0)
    events = list(detect(run_of({"loss": loss, "lr": rate})))
    assert [event.step for event in events] == [100, 200]
