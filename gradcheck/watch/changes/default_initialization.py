"""The initialisation that torch gives its layers."""

# mypy: allow-untyped-calls
from __future__ import annotations

import torch

from gradcheck.watch.changes.base import Change


class DefaultInitialization(Change):
    """Every layer that can is initialised anew, as its class does it, before the first step."""

    action = "Keep torch's own initialisation of the layers, or scale yours by the fan-in"
    snippet = "torch.nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5))"
    early = True
    from_start = True

    def begin(self) -> None:
        """Initialise anew; what the optimizer holds are the same tensors."""
        with torch.no_grad():
            for module in self.probe.registry.modules():
                reset = getattr(module, "reset_parameters", None)
                if callable(reset) and module._parameters:
                    reset()
                    self.acted += 1


CHANGE = DefaultInitialization
