"""Matrices kept off equal eigenvalues before they are decomposed."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.patching import guard_calls

DECOMPOSITIONS = (
    "eigh",
    "eigvalsh",
    "svd",
    "svdvals",
    "cholesky",
    "inv",
    "pinv",
    "slogdet",
    "logdet",
)
SHARE = 1e-3


class JitterDecomposition(Change):
    """A small different number is added to each diagonal element, so that no two values agree."""

    action = "Add a small jitter to the diagonal before the decomposition, or use no eigenvectors"
    snippet = (
        "jitter = 1e-3 * torch.linspace(0, 1, len(a)) * a.diagonal().mean()\n"
        "values, vectors = torch.linalg.eigh(a + torch.diag(jitter))"
    )

    def begin(self) -> None:
        """Guard the functions."""
        guard_calls(self.undo, DECOMPOSITIONS, self._guard)

    def _guard(self, matrix: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(matrix, Tensor) or not matrix.is_floating_point() or matrix.dim() < 2:
            return (matrix, *args), kwargs
        self.acted += 1
        rows, columns = matrix.shape[-2:]
        size = matrix.detach().abs().amax((-2, -1), keepdim=True).clamp_min(1e-3)
        ladder = torch.linspace(SHARE / rows, SHARE, min(rows, columns), dtype=matrix.dtype)
        step = torch.zeros(rows, columns, dtype=matrix.dtype, device=matrix.device)
        step.diagonal().copy_(ladder)
        return (matrix + size * step, *args), kwargs


CHANGE = JitterDecomposition
