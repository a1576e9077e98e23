"""The loss scale of the step that is prepared, and the losses as they were before it."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from torch import Tensor


class LossScale:
    """What `GradScaler.scale` multiplied, until the step is over."""

    def __init__(self) -> None:
        self.now: float | None = None
        """The scale, None where no scaler is at work."""
        self._raw: dict[int, Tensor] = {}

    def scaled(self, scaler: Any, raw: Tensor, product: Tensor) -> None:
        """A loss was multiplied."""
        self._raw[id(product)] = raw.detach()
        self.now = float(scaler.get_scale()) if scaler.is_enabled() else None

    def value(self, loss: Tensor) -> float:
        """A loss without its scale."""
        raw = self._raw.get(id(loss))
        if raw is not None:
            return float(raw)
        value = float(loss.item())
        return value / self.now if self.now else value

    def clear(self) -> None:
        """The step is over."""
        self._raw.clear()
        self.now = None
