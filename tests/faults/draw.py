"""Choices that one seed fixes: everything that varies around a recipe comes from here."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Draw:
    """Random choices, the same for the same key on every machine."""

    def __init__(self, *key: object) -> None:
        digest = hashlib.sha256("/".join(map(str, key)).encode()).digest()
        self._random = np.random.default_rng(int.from_bytes(digest[:8], "big"))

    def one_of(self, *options: T) -> T:
        return options[int(self._random.integers(len(options)))]

    def uniform(self, low: float, high: float) -> float:
        return float(self._random.uniform(low, high))

    def log_uniform(self, low: float, high: float) -> float:
        return float(np.exp(self._random.uniform(np.log(low), np.log(high))))

    def integer(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self._random.integers(low, high + 1))

    def maybe(self, probability: float) -> bool:
        return bool(self._random.random() < probability)
