"""Invents what a healthy training logs: a falling noisy loss, gradient norms, a schedule."""

from __future__ import annotations

import math

import numpy as np

from gradcheck.model import FloatArray, IntArray

_BEGIN = 1.7e9  # seconds since 1970
_VOCABULARY = 50_000


class Course:
    """The figures of one training, by step; the same seed gives the same training."""

    def __init__(self, steps: int, *seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._done = np.arange(steps) / steps
        self.seconds = 0.25 * self._noise(0.05)
        """How long each step took."""

    def _noise(self, spread: float) -> FloatArray:
        return np.exp(spread * self._rng.standard_normal(len(self._done)))

    def loss(self, end: float = 1.8, noise: float = 0.03) -> FloatArray:
        """A cross entropy that begins at ln k and falls towards `end` by a power law."""
        fall = (1 + 60 * self._done) ** -0.6
        return (end + (math.log(_VOCABULARY) - end) * fall) * self._noise(noise)

    def grad_norm(self, usual: float = 0.6) -> FloatArray:
        """Large in the first steps, then around a level."""
        return usual * (1 + 2 * np.exp(-80 * self._done)) * self._noise(0.15)

    def learning_rate(self, peak: float = 3e-4) -> FloatArray:
        """A linear warm-up over 2% of the steps, then a cosine down to a tenth."""
        cosine = 0.55 + 0.45 * np.cos(np.pi * self._done)
        return peak * np.minimum((self._done + 1e-5) / 0.02, cosine)

    def accuracy(self, best: float = 0.7) -> FloatArray:
        """A share that rises towards `best`."""
        rise = best * (1 - (1 + 60 * self._done) ** -0.6) * self._noise(0.02)
        return np.clip(rise, 0, 1)

    def steady(self, usual: float, spread: float) -> FloatArray:
        """Log-normal around a level."""
        return usual * self._noise(spread)

    def slow(self, first: float, last: float) -> FloatArray:
        """A norm of weights: from one level to another without noise worth the name."""
        return (first + (last - first) * np.sqrt(self._done)) * self._noise(1e-4)

    def wall(self, step: IntArray) -> FloatArray:
        """When points of these steps were logged, in seconds since 1970, 20 us apart.

        Points of one step must follow one another.
        """
        ends = _BEGIN + np.cumsum(self.seconds)
        run = np.flatnonzero(np.diff(step, prepend=step[:1] - 1))
        within = np.arange(len(step)) - np.repeat(run, np.diff(run, append=len(step)))
        return np.asarray(ends[step - step[0]] + 2e-5 * within, dtype=np.float64)
