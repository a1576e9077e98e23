"""Has one player of an adversarial game won for good?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import block_levels, finite, level
from gradcheck.model import Evidence, Objective, Role, Series
from gradcheck.wording import number

CLUES = {
    "one_adversary_won": ClueKind(
        "one adversarial loss goes to next to nothing while the other one runs away"
    ),
}
LEAST_ROWS = 40
WON = 0.1
"""Loss of the winner, as a share of its early level."""
GROWN = 2.5
BLOCKS = 8


def observe(case: Case) -> Iterator[Clue]:
    """Compare the two losses of a game, from its start to its end."""
    players = [
        series
        for series in case.run.every(Role.LOSS)
        if series.objective is Objective.ADVERSARIAL and len(finite(series.value)) >= LEAST_ROWS
    ]
    for winner in players:
        for loser in players:
            if winner is not loser and _won(winner) and _ran_away(loser):
                yield _clue(winner, loser)
                return


def _won(series: Series) -> bool:
    levels = np.abs(block_levels(finite(series.value), BLOCKS))
    return bool((levels[-2:] < WON * max(levels[0], 0.05)).all())


def _ran_away(series: Series) -> bool:
    levels = block_levels(finite(series.value), BLOCKS)
    early = max(abs(float(levels[0])), 0.1)
    return bool(levels[-1] > GROWN * early and levels[-1] >= 0.7 * levels.max())


def _clue(winner: Series, loser: Series) -> Clue:
    late = len(winner) - len(winner) // BLOCKS
    values = finite(loser.value)
    said = (
        f"{winner.name} is down to {number(level(finite(winner.value[late:])))} while {loser.name} "
        f"went from {number(level(values[: len(values) // BLOCKS]))} to "
        f"{number(level(values[-len(values) // BLOCKS :]))}"
    )
    window = (int(winner.step[0]), int(winner.step[-1]))
    return Clue("one_adversary_won", Evidence(said, winner.name, *window))
