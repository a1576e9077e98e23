"""A game that one player has won is an event; a balanced one is not."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.lost_game import detect
from tests.synthetic import Columns, run_of

ROWS = np.arange(400) / 400


@pytest.mark.parametrize(
    "columns",
    [
        {"loss_d": 0.7 + 0.1 * np.sin(30 * ROWS), "loss_g": 0.8 + 0.3 * np.cos(25 * ROWS)},
        {"loss_d": 0.7 * np.exp(-9 * ROWS), "loss_g": 0.8 + 0.3 * np.cos(25 * ROWS)},
        {"loss_d": 0.7 + 0.1 * np.sin(30 * ROWS), "loss_g": 0.7 + 14 * ROWS},
        {"train_loss": 0.7 * np.exp(-9 * ROWS), "val_loss": 0.7 + 14 * ROWS},
        {"loss_d": 0.005 * np.exp(-ROWS), "loss_g": 2.5 + 0.3 * np.cos(25 * ROWS)},
        {"loss_d": 0.005 + 0.3 * (ROWS < 0.3), "loss_g": 6.0 + np.cos(25 * ROWS)},
        {"loss_d": -0.005 * np.exp(-ROWS), "loss_g": 6.0 + np.cos(25 * ROWS)},
        {"loss_d": 0.7 * np.exp(-9 * ROWS[:30]), "loss_g": 0.7 + 14 * ROWS[:30]},
    ],
)
def test_near_misses(columns: Columns) -> None:
    assert not list(detect(run_of(columns)))


@pytest.mark.parametrize("unit", [0.3, 1.0, 50.0])
def test_the_loser_runs_away(unit: float) -> None:
    columns = {"D_loss": 0.7 * unit * np.exp(-9 * ROWS), "G_loss": unit * (0.7 + 14 * ROWS)}
    (event,) = detect(run_of(columns))
    assert event.series == "G_loss"
    assert event.step is not None
    assert event.step < 200


def test_a_game_that_never_was_one() -> None:
    columns = {"d_loss": 0.004 * np.exp(-ROWS), "g_loss": 7.0 + 3 * np.sin(9 * ROWS)}
    (event,) = detect(run_of(columns))
    assert (event.series, event.step) == ("g_loss", 0)


def test_a_game_that_ends_in_a_log_of_few_rows() -> None:
    columns = {
        "d_loss": np.append([1.8, 1.4], np.zeros(20)),
        "g_loss": np.append([0.7, 0.9], np.linspace(14.0, 80.0, 20)),
    }
    (event,) = detect(run_of(columns))
    assert (event.series, event.step) == ("g_loss", 2)


def test_a_game_whose_losses_end_in_nan() -> None:
    end = np.full(10, np.nan)
    columns = {
        "d_loss": np.concatenate([[1.8, 1.4], np.zeros(20), end]),
        "g_loss": np.concatenate([[0.7, 0.9], np.linspace(14.0, 80.0, 20), end]),
    }
    (event,) = detect(run_of(columns))
    assert event.step == 2
