"""Adds each layer's gradient norm to the rows, as often as the budget allows."""

from __future__ import annotations

import math

from torch import Tensor

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
        self._listed: list[str] = []
        self._all: list[str] = []
        """The columns of all parameters, by the names that were listed last."""

    def add(self, step: Step, values: dict[str, float]) -> None:
        """Add the columns to the row of a step, if they are due."""
        if not step.layers or step.optimizer:
            return
        if step.step >= self._next or not math.isfinite(step.norm):
            values.update(zip(self._columns(step), step.layers, strict=False))
            pause = len(step.layers) * COST / (SHARE * self._probe.seconds_a_step())
            self._next = step.step + max(1, math.ceil(pause))

    def _columns(self, step: Step) -> list[str]:
        """The names of a step's columns; made once where every parameter has a gradient."""
        optimizers = self._probe.optimizers
        followed = next((one for one in optimizers if not one.place), None)
        if followed is None:
            return [_column(name) for name in optimizers.gradient_names()]
        listed, held = optimizers.parameter_names(followed), followed.parameters
        if len(step.layers) < len(held):
            named = zip(listed, held, strict=True)
            return [_column(name, p) for name, p in named if p.grad is not None]
        if listed is not self._listed:
            optimizers.remember_names(listed)
            self._listed, self._all = listed, list(map(_column, listed, held))
        return self._all


def _column(name: str, parameter: Tensor | None = None) -> str:
    """With the length of a vector that is no bias: a normalisation's weight is none of a layer."""
    mark = ""
    if parameter is not None and parameter.dim() == 1 and "bias" not in name:
        mark = f"[{len(parameter)}]"
    return f"layers/{name}{mark}/grad_norm"
