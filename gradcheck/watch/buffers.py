"""Keeps copies of running statistics, so that a forward pass can be taken back."""

# mypy: allow-untyped-calls
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _NormBase

from gradcheck.watch.names import Registry


class BufferCopies:
    """Copies of every BatchNorm's buffers from before the last step, refreshed in one call."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._seen = -1
        self._live: list[Tensor] = []
        self._copies: list[Tensor] = []

    @torch.no_grad()
    def keep(self) -> None:
        """Copy what the buffers hold now."""
        if self._registry.version != self._seen:
            self._find()
        if self._live:
            torch._foreach_copy_(self._copies, self._live)

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
        self._copies = [buffer.clone() for buffer in self._live]
