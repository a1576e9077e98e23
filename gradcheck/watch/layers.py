"""Adds each layer's gradient norm to the rows, as often as the budget allows."""

from __future__ import annotations

import math

from gradcheck.watch.followed import Step
from gradcheck.watch.probe import Probe

SHARE = 0.005
"""Share of a step's time that these columns may take."""
COST = 8e-6
"""Seconds for writing one value, about."""


class LayerNorms:
    """Every step while the run is young or ill, else seldom."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._next = 0

    def add(self, step: Step, values: dict[str, float]) -> None:
        """Add the columns to the row of a step, if they are due."""
        if not step.layers or step.optimizer:
            return
        if step.step >= self._next or not math.isfinite(step.norm):
            names = self._probe.optimizers.gradient_names()
            for name, norm in zip(names, step.layers, strict=False):
                values[f"layers/{name}/grad_norm"] = norm
            pause = len(step.layers) * COST / (SHARE * self._probe.seconds_a_step())
            self._next = step.step + max(1, math.ceil(pause))
