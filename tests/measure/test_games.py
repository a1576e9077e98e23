"""Games of two losses: which pairs can be won at all; tests/clues/test_adversaries has more."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.measure.games import winner_and_loser
from tests.synthetic import run_of

ROWS = 200
FADING = 0.7 * np.geomspace(1.0, 1e-4, ROWS)
GROWING = np.linspace(0.7, 9.0, ROWS)

RIVALS = [
    ("loss_D", "loss_G"),
    ("errD", "errG"),
    ("disc_loss", "gen_loss"),
    ("discriminator/loss", "generator/loss"),
    ("loss_D_real", "loss_G_adv"),
    ("generator_loss", "discriminator_loss"),
    ("wgan_loss", "adversarial_loss"),
]
PARTS = [
    ("loss_G_L1", "loss_G_GAN"),
    ("loss_D_real", "loss_D_fake"),
    ("gen_feature_loss", "gen_loss"),
    ("disc_real_loss", "disc_fake_loss"),
]


@pytest.mark.parametrize(("winner", "loser"), RIVALS)
def test_rivals(winner: str, loser: str) -> None:
    found = winner_and_loser(run_of({winner: FADING, loser: GROWING}))
    assert found is not None
    assert [series.name for series in found] == [winner, loser]


@pytest.mark.parametrize(("one", "other"), PARTS)
def test_parts_of_one_player(one: str, other: str) -> None:
    assert winner_and_loser(run_of({one: FADING, other: GROWING})) is None


@pytest.mark.parametrize(("right", "fooled"), [(0.003, 5.0), (0.15, 9.0)])
def test_a_game_that_one_side_never_plays(right: float, fooled: float) -> None:
    level = np.ones(ROWS)
    found = winner_and_loser(run_of({"loss_D": right * level, "loss_G": fooled * level}))
    assert found is not None
    assert found[0].name == "loss_D"


@pytest.mark.parametrize(("right", "fooled"), [(0.003, 3.0), (0.15, 5.0), (0.4, 9.0)])
def test_a_game_that_is_hard_for_one_side(right: float, fooled: float) -> None:
    level = np.ones(ROWS)
    assert winner_and_loser(run_of({"loss_D": right * level, "loss_G": fooled * level})) is None


@pytest.mark.parametrize("rows", [16, 23, 39])
@pytest.mark.parametrize(("right", "fooled", "lost"), [(0.0, 14.0, True), (0.01, 8.0, False)])
def test_few_rows_of_a_game_that_is_lost_for_good(
    rows: int, right: float, fooled: float, *, lost: bool
) -> None:
    columns = {
        "D loss": np.append([1.8, 1.4], np.full(rows - 2, right)),
        "G loss": np.append([0.7, 0.9], np.full(rows - 2, fooled)),
    }
    assert (winner_and_loser(run_of(columns)) is not None) == lost


def test_few_rows_of_a_game_that_comes_back() -> None:
    columns = {
        "D loss": np.append(np.full(20, 0.0), [0.7, 0.9]),
        "G loss": np.append(np.full(20, 14.0), [1.7, 1.2]),
    }
    assert winner_and_loser(run_of(columns)) is None
