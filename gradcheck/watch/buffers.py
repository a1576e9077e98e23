"""Keeps copies of running statistics, so that a forward pass can be taken back."""

# mypy: allow-untyped-calls
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase

from gradcheck.watch.names import Registry

MOST_EACH_STEP, SELDOM = 80, 16
"""Buffers that are looked at in every step, and steps between two looks where there are more."""


class BufferCopies:
    """Copies of every BatchNorm's buffers from before the last step, refreshed in one call."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._seen = -1
        self._steps = 0
        self._names: list[str] = []
        self._floats: list[Tensor] = []
        self._live: list[Tensor] = []
        self._copies: list[Tensor] = []

    def keep(self) -> None:
        """Copy what the buffers hold now."""
        if self._registry.version != self._seen:
            self._find()
        if self._live:
            with torch.no_grad():  # no decorator: it costs more than this in most models
                torch._foreach_copy_(self._copies, self._live)

    def broken(self) -> str | None:
        """The name of a buffer that is not finite; None where all are, or none is due."""
        self._steps += 1
        if not self._floats or (len(self._floats) > MOST_EACH_STEP and self._steps % SELDOM):
            return None
        with torch.no_grad():
            norms = torch.stack(torch._foreach_norm(self._floats))
            finite = torch.isfinite(norms)
            return None if bool(finite.all()) else self._names[int((~finite).nonzero()[0])]

    @torch.no_grad()
    def restore(self) -> None:
        """Put back what was kept, bit for bit."""
        if self._live:
            torch._foreach_copy_(self._live, self._copies)

    def _find(self) -> None:
        self._seen = self._registry.version
        found = [module for module in self._registry.modules() if isinstance(module, _NormBase)]
        self._live = [
            buffer for module in found for buffer in module.buffers() if buffer is not None
        ]
        self._copies = [buffer.detach().clone() for buffer in self._live]
        named = [
            (f"{type(module).__name__}.{name}", buffer)
            for module in found
            for name, buffer in module.named_buffers()
            if buffer.is_floating_point()
        ]
        self._names = [name for name, _ in named]
        self._floats = [buffer for _, buffer in named]
