"""A policy that keeps leaving the one that its data was sampled with."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.detectors.policy_shift import detect
from tests.synthetic import Column, norms, put, run_of, told

ROWS = 100
HEALTHY = norms(ROWS, usual=0.02)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("train/approx_kl", HEALTHY),
        ("train/approx_kl", norms(ROWS, usual=0.1)),
        ("train/approx_kl", put(HEALTHY, [3, 40, 41, 42], 5.0)),
        ("train/approx_kl", put(HEALTHY, slice(0, 50), 5.0)),
        ("train/approx_kl", put(HEALTHY, slice(95, None), 5.0)),
        ("train/approx_kl", put(HEALTHY, slice(10, None), np.nan)),
        ("train/clip_fraction", norms(ROWS, usual=0.9)),
        ("kl", norms(ROWS, usual=9.0)),
        ("kl_coef", norms(ROWS, usual=9.0)),
        ("target_kl", norms(ROWS, usual=9.0)),
    ],
)
def test_none(name: str, values: Column) -> None:
    assert told(list(detect(run_of({"train/loss": norms(ROWS), name: values})))) == []


@pytest.mark.parametrize("name", ["train/approx_kl", "losses/approx_kl", "ppo/policy/kl"])
@pytest.mark.parametrize("first", [0, 60])
def test_beyond_all_that_is_meant(name: str, first: int) -> None:
    values = put(HEALTHY, slice(first, None), 0.0) + put(norms(ROWS, usual=7.0), slice(0, first), 0)
    events = told(list(detect(run_of({"train/loss": norms(ROWS), name: values}))))
    assert events == [("divergence", "warning", first, False)]


def test_one_update_after_which_little_is_left() -> None:
    values = put(norms(ROWS, usual=0.1), 3, 114.0)
    events = told(list(detect(run_of({"train/loss": norms(ROWS), "train/approx_kl": values}))))
    assert events == [("divergence", "warning", 3, False)]
