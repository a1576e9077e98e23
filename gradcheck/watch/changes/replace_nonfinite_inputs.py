"""Zeros in the place of NaN and infinity in the data that goes into a model."""

# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradcheck.watch.changes.base import Change
from gradcheck.watch.changes.model_inputs import before_models


class ReplaceNonfiniteInputs(Change):
    """Every floating-point input of a model is made finite, wherever else it is used.

    In place, so that an autoencoder's target is finite with its input; and taken back at the end.
    """

    action = "Replace NaN and infinity in the inputs by a finite value, such as the mean"
    snippet = "x = torch.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)"

    def begin(self) -> None:
        """Stand before every model."""
        before_models(self, self._mend)

    def _mend(self, value: Any) -> Any:
        if not isinstance(value, Tensor) or not value.is_floating_point() or value.requires_grad:
            return value
        if bool(torch.isfinite(value).all()):
            return value
        self.acted += 1
        mended = torch.nan_to_num(value, nan=0.0, posinf=0.0, neginf=0.0)
        plain = value.data  # which autograd does not see change
        if not plain.untyped_storage().resizable():
            return mended  # numpy's memory, say: a file that is mapped may not be written to
        kept = plain.clone()
        try:
            plain.copy_(mended)
        except RuntimeError:  # memory that several numbers share, or that is read only
            return mended
        self.undo.callback(plain.copy_, kept)
        return value


CHANGE = ReplaceNonfiniteInputs
