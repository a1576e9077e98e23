"""Whether one player of an adversarial game has won for good."""

from __future__ import annotations

import numpy as np

from gradcheck.measure.robust import block_levels, finite
from gradcheck.model import Objective, Role, Run, Series

LEAST_ROWS = 40
WON = 0.1
"""Loss of the winner, as a share of its early level."""
LEAST_LEVEL = 0.05
GROWN = 2.5
BLOCKS = 8


def winner_and_loser(run: Run) -> tuple[Series, Series] | None:
    """The adversarial loss that went to next to nothing, and the one that ran away meanwhile."""
    players = [
        series
        for series in run.every(Role.LOSS)
        if series.objective is Objective.ADVERSARIAL and len(finite(series.value)) >= LEAST_ROWS
    ]
    pairs = ((one, other) for one in players for other in players if one is not other)
    return next((pair for pair in pairs if _won(pair[0]) and _ran_away(pair[1])), None)


def _won(series: Series) -> bool:
    levels = np.abs(block_levels(finite(series.value), BLOCKS))
    return bool((levels[-2:] < WON * max(levels[0], LEAST_LEVEL)).all())


def _ran_away(series: Series) -> bool:
    levels = block_levels(finite(series.value), BLOCKS)
    early = max(abs(float(levels[0])), WON)
    return bool(levels[-1] > GROWN * early and levels[-1] >= 0.7 * levels.max())
