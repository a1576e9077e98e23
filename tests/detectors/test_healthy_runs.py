"""What every detector must leave alone: healthy runs of every kind, length and unit."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck import diagnosis
from tests.synthetic import (
    Columns,
    constant,
    decay,
    norms,
    put,
    run_of,
    scale,
    steady,
    told,
    warm_up,
)

NOISE = np.random.default_rng(11)
ROWS = 600


def cosine_restarts(rows: int) -> np.ndarray:
    return 1e-3 * 0.5 * (1 + np.cos(np.pi * (np.arange(rows) % 150) / 150))


HEALTHY: dict[str, Columns] = {
    "twenty rows": {"loss": decay(20), "grad_norm": norms(20)},
    "five rows": {"loss": decay(5), "grad_norm": norms(5)},
    "one row": {"loss": decay(1)},
    "a hundred thousand rows": {"loss": decay(100_000), "grad_norm": norms(100_000)},
    "tiny unit": {"loss": decay(ROWS) * 1e-6, "grad_norm": norms(ROWS) * 1e-4},
    "huge unit": {"loss": decay(ROWS) * 1e6, "grad_norm": norms(ROWS)},
    "negative": {"loss": decay(ROWS) - 5.0},
    "crosses zero": {"loss": decay(ROWS) - 1.0, "grad_norm": norms(ROWS)},
    "reaches exactly zero": {"loss": np.maximum(decay(ROWS, end=0.0) - 0.1, 0.0)},
    "noiseless": {"loss": np.linspace(2.0, 0.2, ROWS)},
    "very noisy": {"loss": decay(ROWS, noise=0.5), "grad_norm": norms(ROWS, noise=0.8)},
    "smoothed": {"loss": np.convolve(decay(ROWS, noise=0.3), np.ones(50) / 50, "valid")},
    "huge first rows": {
        "loss": np.concatenate([[80.0, 30.0, 9.0], decay(ROWS)]),
        "grad_norm": np.concatenate([[400.0, 90.0, 20.0], norms(ROWS)]),
    },
    "warm-up": {"loss": decay(ROWS), "grad_norm": norms(ROWS), "lr": warm_up(ROWS, ramp=100)},
    "warm-up hump": {
        "loss": decay(ROWS) * (1 + 0.6 * np.exp(-(((np.arange(ROWS) - 80) / 30) ** 2))),
        "lr": warm_up(ROWS, ramp=100),
    },
    "decay of the rate to zero": {
        "loss": decay(ROWS),
        "lr": 1e-3 * np.linspace(1.0, 0.0, ROWS) ** 2,
    },
    "restarts that do not hurt": {"loss": decay(ROWS), "lr": cosine_restarts(ROWS)},
    "growing norm under a falling loss": {
        "loss": decay(ROWS),
        "grad_norm": norms(ROWS) * np.linspace(1.0, 4.0, ROWS),
    },
    "generator and discriminator": {
        "G_loss": np.abs(1.0 + 0.6 * np.cumsum(NOISE.standard_normal(ROWS)) / 12),
        "D_loss": np.abs(0.7 + 0.5 * np.cumsum(NOISE.standard_normal(ROWS)) / 12),
    },
    "reinforcement": {
        "train/value_loss": 10 * np.exp(0.9 * NOISE.standard_normal(ROWS)),
        "train/policy_gradient_loss": 0.05 * NOISE.standard_normal(ROWS),
        "rollout/ep_rew_mean": np.linspace(0, 200, ROWS),
    },
    "a part that rises while the total falls": {
        "loss": decay(ROWS) + 1.0,
        "kl_loss": np.linspace(0.0, 1.0, ROWS),
        "reconstruction_loss": decay(ROWS),
    },
    "overfitting": {
        "loss": decay(60),
        "val_loss": np.concatenate([decay(20), np.linspace(0.5, 1.2, 40)]),
    },
    "a benign loss-scale search": {
        "loss": decay(ROWS),
        "grad_norm": put(norms(ROWS), slice(0, 8), np.inf),
        "loss_scale": np.concatenate([65536 / 2.0 ** np.arange(8), np.full(ROWS - 8, 256.0)]),
    },
    "a loss scale of one": {"loss": decay(ROWS), "loss_scale": constant(ROWS, 1.0)},
    "weights that grow": {"loss": decay(ROWS), "weight_norm": np.linspace(10.0, 30.0, ROWS)},
    "converged": {"loss": np.concatenate([decay(200), steady(400, usual=0.5)])},
    "layers": {
        "loss": decay(ROWS),
        "grad/fc1.weight": norms(ROWS),
        "grad/fc2.weight": norms(ROWS, usual=5.0),
    },
}


@pytest.mark.parametrize("columns", HEALTHY.values(), ids=HEALTHY)
def test_no_event(columns: Columns) -> None:
    assert told(diagnosis.detect(run_of(columns))) == []


@pytest.mark.parametrize("stride", [10, 500])
def test_no_event_in_a_sparse_log(stride: int) -> None:
    columns = {"loss": decay(ROWS), "grad_norm": norms(ROWS), "lr": warm_up(ROWS)}
    assert diagnosis.detect(run_of(columns, np.arange(ROWS) * stride)) == []


@pytest.mark.parametrize("seed", range(12))
def test_no_failure_whatever_the_noise(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(20, 3000))
    noise = float(rng.choice([0.01, 0.1, 0.4]))
    columns = {"loss": decay(rows, seed, noise=noise), "grad_norm": norms(rows, seed, noise=0.5)}
    assert told(diagnosis.detect(run_of(columns))) == []


def test_a_log_without_any_series_has_no_event() -> None:
    assert diagnosis.detect(run_of({})) == []


def test_events_come_in_the_order_of_the_log() -> None:
    loss = put(scale(decay(ROWS), [100, 300], 20.0), slice(500, None), np.nan)
    events = diagnosis.detect(run_of({"loss": loss, "grad_norm": scale(norms(ROWS), 200, 50.0)}))
    assert [event.step for event in events] == [100, 200, 300, 500]
