"""What the first updates threw up, and what is noise, or a start that is high."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.measure.thrown_up import thrown_up
from tests.synthetic import Column, decay, norms, scale

LATER = (np.arange(60) > 2).astype(float)
THROWN: dict[str, tuple[Column, tuple[int, int]]] = {
    "by the first update": (scale(decay(60), 1, 30.0), (1, 1)),
    "for some rows": (scale(decay(60), slice(1, 5), np.array([30.0, 20.0, 9.0, 12.0])), (1, 4)),
    "by the third": (scale(decay(60), 3, 30.0), (3, 3)),
    "of a tiny loss": (scale(decay(60), 1, 30.0) * 1e-7, (1, 1)),
    "by the sixth, and long": (scale(decay(60), slice(6, 18), 30.0), (6, 17)),
    "and learned in the end": (decay(60) + 90 * np.exp(-np.arange(60) / 4) * LATER, (3, 11)),
}
NOT_THROWN: dict[str, Column] = {
    "falling": decay(60),
    "high at the start": scale(decay(60), 0, 30.0),
    "less high": scale(decay(60), 1, 4.0),
    "later": scale(decay(60), 9, 30.0),
    "never back": scale(decay(60), slice(1, None), 30.0),
    "back for a moment": scale(scale(decay(60), slice(1, None), 30.0), 4, 1 / 30),
    "again and again": scale(decay(60), slice(1, None, 4), 30.0),
    "negative": scale(decay(60), 1, 30.0) - 3.0,
    "in steps": np.concatenate([[1.0], np.tile([5.0, 7.0, 7.9, 8.5], 3), 0.3 * decay(56)]),
    "short": scale(decay(9), 1, 30.0),
    "long, and never better than its first row": scale(decay(60, start=0.5), slice(6, 18), 30.0),
    "long, and again at the end": scale(scale(decay(60), slice(6, 18), 30.0), slice(50, 55), 30.0),
    "long, from a first row that is low by chance": np.concatenate(
        [[0.05], norms(59, usual=1.0, noise=0.7)]
    ),
}


@pytest.mark.parametrize("name", THROWN)
def test_the_first_updates_threw_it_up(name: str) -> None:
    values, (first, last) = THROWN[name]
    (found,) = thrown_up(values)
    assert (found.first, found.last) == (first, last)
    assert found.recovered


@pytest.mark.parametrize("name", NOT_THROWN)
def test_nothing_was_thrown_up(name: str) -> None:
    assert not thrown_up(NOT_THROWN[name])
