"""Clues of an adversarial game that one player has won."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, constant, decay, norms, run_of, steady

ROWS = 400


def fading(rows: int = ROWS, end: float = 1e-4) -> Column:
    """A loss that goes to next to nothing."""
    return 0.7 * np.geomspace(1.0, end, rows) * norms(rows, usual=1.0)


def running_away(rows: int = ROWS, end: float = 15.0) -> Column:
    """A loss that grows and grows."""
    return np.linspace(0.7, end, rows) * norms(rows, seed=3, usual=1.0)


BALANCED = steady(ROWS, usual=0.69, noise=0.2)
CRITIC = -8.0 * np.exp(-4.0 * np.arange(ROWS) / ROWS) * norms(ROWS, usual=1.0)

UNBOUNDED = -(np.linspace(0.1, 1.0, ROWS) ** 4) * 900.0 * norms(ROWS, seed=5, usual=1.0, noise=0.05)

UNSEEN: Table = {
    "critic_without_bound": {
        "bounded by a penalty": {"critic_loss": CRITIC, "generator_loss": BALANCED},
        "grows, but slower and slower": {
            "critic_loss": -np.sqrt(np.arange(1.0, ROWS + 1)) * 50.0,
            "generator_loss": BALANCED,
        },
        "grows evenly": {"loss_d": -np.linspace(0.1, 90.0, ROWS), "loss_g": BALANCED},
        "upwards": {"loss_d": -UNBOUNDED, "loss_g": BALANCED},
        "no game": {"loss": UNBOUNDED, "aux_loss": BALANCED},
        "it came back": {
            "loss_d": np.concatenate([UNBOUNDED[:350], BALANCED[:50]]),
            "loss_g": BALANCED,
        },
        "thirty rows": {"loss_d": UNBOUNDED[::14], "loss_g": BALANCED[::14]},
    },
    "one_adversary_won": {
        "balanced": {"loss_d": BALANCED, "loss_g": steady(ROWS, usual=0.8, noise=0.3)},
        "balanced, tiny unit": {"loss_d": BALANCED * 1e-4, "loss_g": BALANCED * 2e-4},
        "a strong discriminator": {
            "loss_d": np.linspace(1.4, 0.3, ROWS),
            "loss_g": np.linspace(0.7, 2.5, ROWS),
        },
        "both fade": {"loss_d": fading(), "loss_g": fading()},
        "the other one stays": {"loss_d": fading(), "loss_g": BALANCED},
        "the other one swings back": {
            "loss_d": fading(),
            "loss_g": 0.7 + 9.0 * np.sin(np.linspace(0.0, np.pi, ROWS)),
        },
        "won for a while": {
            "loss_d": np.concatenate([fading(300), BALANCED[:100]]),
            "loss_g": running_away(),
        },
        "a critic's distance goes to 0": {
            "critic_loss": CRITIC,
            "generator_loss": np.linspace(0.5, 9.0, ROWS),
        },
        "two parts of one player": {
            "loss_D": BALANCED,
            "loss_G_L1": fading(),
            "loss_G_GAN": running_away(),
        },
        "no game": {"loss": fading(), "aux_loss": running_away()},
        "train and validation": {"loss": fading(), "val_loss": running_away()},
        "one player": {"loss_g": running_away(), "loss": decay(ROWS)},
        "thirty rows": {"loss_d": fading(30), "loss_g": running_away(30)},
    },
}
SEEN: Table = {
    "critic_without_bound": {
        "its distance": {"critic_loss": UNBOUNDED, "generator_loss": BALANCED},
        "small unit": {"D_loss": UNBOUNDED / 5.0, "G_loss": BALANCED},
        "sparse": run_of({"d_loss": UNBOUNDED, "g_loss": BALANCED}, np.arange(ROWS) * 50),
    },
    "one_adversary_won": {
        "the discriminator": {"loss_d": fading(), "loss_g": running_away()},
        "the generator": {"errG": fading(), "errD": running_away()},
        "by and by": {"loss_d": fading(end=0.01), "loss_g": running_away(end=4.0)},
        "a few rows": {"loss_d": fading(60), "loss_g": running_away(60)},
        "large unit": {"D_loss": fading() * 1e3, "G_loss": running_away() * 1e3},
        "sparse": run_of({"D_loss": fading(), "G_loss": running_away()}, np.arange(ROWS) * 50),
        "an exact 0": {"D_loss": np.maximum(fading() - 0.01, 0.0), "G_loss": running_away()},
        "into NaN": {
            "D_loss": np.concatenate([fading(), constant(5, np.nan)]),
            "G_loss": np.concatenate([running_away(), constant(5, np.nan)]),
        },
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
