"""Clues of a policy that left the one that sampled its data."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Column, Columns, clues_of, constant, decay, norms, put, run_of

ROWS, AT = 200, 150
NAN = np.nan
BROKEN = put(decay(ROWS), slice(AT, None), NAN)


def beside(name: str, values: Column, loss: str = "train/policy_loss") -> dict[str, Column]:
    """A series beside a policy loss that is NaN from row 150 on."""
    return {loss: BROKEN, name: values}


def leaving(usual: float, away: float, at: int = AT - 3) -> Column:
    """A level that is left for good a few rows before the onset."""
    return put(norms(ROWS, usual=usual), slice(at, None), away)


KL = leaving(0.01, 3.0)

UNSEEN: Table = {
    "policy_moved_first": {
        "a small KL": beside("train/approx_kl", norms(ROWS, usual=0.02)),
        "a KL that PPO still means": beside("train/approx_kl", leaving(0.01, 0.3)),
        "negative estimates": beside("train/approx_kl", 0.05 * np.sin(np.arange(ROWS))),
        "only afterwards": beside("train/approx_kl", leaving(0.01, 3.0, AT + 1)),
        "NaN along with the loss": beside("train/approx_kl", leaving(0.01, NAN, AT)),
        "not computed in some rows": beside(
            "train/approx_kl", put(norms(ROWS, usual=0.01), slice(10, 100, 10), NAN)
        ),
        "a coefficient": beside("kl_coef", KL),
        "a target": beside("target_kl", KL),
        "a weight of the KL": beside("beta_kl", KL),
        "KL of a VAE": beside("kl", norms(ROWS, usual=25.0), "loss"),
        "KL per dimension of a VAE that breaks": beside("kl", KL, "loss"),
        "named after the VAE": beside("vae_kl", KL, "vae_loss"),
        "always high": beside("kl", norms(ROWS, usual=2.0)),
        "an ordinary ratio": beside("ratio_max", norms(ROWS, usual=1.3)),
        "a ratio of updates": beside("update_ratio_max", leaving(1.0, 400.0)),
        "compression": beside("mean_compression_ratio", leaving(1.0, 400.0)),
        "often clipped": beside("train/clip_fraction", leaving(0.1, 0.5)),
        "clipped gradients": beside("grad_clip_fraction", leaving(0.1, 1.0)),
        "another name": beside("entropy", KL),
        "four rows": {
            "train/policy_loss": np.array([0.1, 0.1, 0.1, NAN, NAN, NAN]),
            "train/approx_kl": np.array([0.01, 0.01, 0.01, 9.0, 9.0, 9.0]),
        },
    },
}
SEEN: Table = {
    "policy_moved_first": {
        **{
            name: beside(name, KL)
            for name in ("train/approx_kl", "approxkl", "ppo_kl", "policy/approxkl_avg", "kl")
        },
        "beside a plain loss": beside("approx_kl", KL, "loss"),
        "a negative estimate": beside("train/approx_kl", leaving(0.01, -3.0)),
        "infinite in the row of the loss": beside("train/approx_kl", leaving(0.01, np.inf, AT)),
        "NaN before the loss": beside("train/approx_kl", leaving(0.01, NAN, AT - 2)),
        "for one row": beside("train/approx_kl", put(norms(ROWS, usual=0.01), AT - 1, 8.0)),
        "ratios": beside("ratio_max", leaving(1.1, 400.0)),
        "an importance ratio": beside("importance_ratio", leaving(1.0, 50.0)),
        "clipped": beside("train/clip_fraction", leaving(0.1, 0.95)),
        "clipfrac": beside("clipfrac", leaving(0.1, 0.95)),
        "from the first update on, and nothing else amiss": {
            "charts/reward": norms(ROWS),
            "losses/value_loss": norms(ROWS, usual=200.0),
            "losses/approx_kl": norms(ROWS, usual=40.0),
        },
        "few updates": {
            "train/policy_loss": put(constant(12, 0.1), slice(9, None), NAN),
            "train/approx_kl": put(constant(12, 0.01), slice(8, None), 9.0),
        },
        "sparse": run_of(beside("train/approx_kl", KL), np.arange(ROWS) * 2048),
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
