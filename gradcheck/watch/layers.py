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
            marks = self._marks()
            for name, norm in zip(names, step.layers, strict=False):
                values[f"layers/{name}{marks.get(name, '')}/grad_norm"] = norm
            pause = len(step.layers) * COST / (SHARE * self._probe.seconds_a_step())
            self._next = step.step + max(1, math.ceil(pause))

    def _marks(self) -> dict[str, str]:
        """The length of each vector but the biases: a normalisation's weight is none of a layer."""
        optimizers = self._probe.optimizers
        followed = next((one for one in optimizers if not one.place), None)
        if followed is None:
            return {}
        named = zip(optimizers.parameter_names(followed), followed.parameters, strict=True)
        return {name: f"[{len(p)}]" for name, p in named if p.dim() == 1 and "bias" not in name}
