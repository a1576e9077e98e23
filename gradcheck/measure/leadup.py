"""How a series went from normal to broken: the rows from the onset to the failure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradcheck.measure.robust import finite, level
from gradcheck.model import FloatArray

SURPRISING = 3.0
"""Decades of a jump in one row that nothing but a wrong number makes."""


@dataclass(frozen=True)
class Rise:
    """Positive values from the last normal level to the failure, as ratios from row to row."""

    usual: float
    values: FloatArray
    """The finite abnormal rows, first to last."""
    ratios: FloatArray
    """Each row over the one before it; the first over the usual level."""

    @property
    def total(self) -> float:
        """The highest value over the usual level."""
        return float(self.values.max() / self.usual)

    @property
    def rising(self) -> int:
        """How many rows from the first on rise without a break."""
        down = np.flatnonzero(self.ratios <= 1.0)
        return int(down[0]) if len(down) else len(self.ratios)


def rise(before: FloatArray, after: FloatArray) -> Rise | None:
    """The rise of `after` (the rows from the onset on) over the level of `before`.

    None where the values are not positive or there is nothing to compare with.
    """
    normal, broken = finite(before), finite(after)
    if not len(normal) or not len(broken):
        return None
    usual = level(normal[-10:])
    if usual <= 0 or bool((broken <= 0).any()):
        return None
    with np.errstate(over="ignore"):
        return Rise(usual, broken, broken / np.concatenate([[usual], broken[:-1]]))


def surprise(ratio: float) -> float:
    """How telling it is, from 0 to 1, that one row is so many times the level before it.

    Steps that are a little too long, and batches a little harder, make tens; a number that has no
    business in the data makes thousands.
    """
    return float(np.clip(np.log10(max(ratio, 1.0)) / SURPRISING, 0.0, 1.0))
