"""Whether one player of an adversarial game has won for good, or has no bound."""

from __future__ import annotations

import re

import numpy as np

from gradcheck.measure.robust import block_levels, finite
from gradcheck.model import Objective, Role, Run, Series

LEAST_ROWS, FEW_ROWS, FEWEST_ROWS = 40, 16, 8
WON = 0.1
"""Loss of the winner, as a share of its early level."""
LEAST_LEVEL = 0.05
GROWN = 2.5
NEVER_FOOLED = ((4.0, 0.01), (7.0, 0.25))
"""Cross-entropies of a player that fools nobody, and of the other one, that is hardly ever wrong:
the less it is fooled, the more it may err on what is real."""
OVERWHELMED, AFTER = (10.0, 0.001), 4
"""The same in a log of few rows, such as one by epochs, and one over the share that may precede."""
BLOCKS = 8
UNBOUNDED, STILL = 100.0, 3.0
"""Size of a critic's loss at the end over the beginning, and over the middle of the run."""
SIDES = {
    "generator": re.compile(
        r"(?<![A-Za-z])[Gg](?![A-Za-z])|[a-z]G(?![A-Za-z])|(?i:gen(erator)?(?![a-z]))"
    ),
    "discriminator": re.compile(
        r"(?<![A-Za-z])[Dd](?![A-Za-z])|[a-z]D(?![A-Za-z])|(?i:(disc?(riminator)?|critic)(?![a-z]))"
    ),
}
"""How the names of the losses of one player tell whose they are: G_loss, lossG, gen/loss."""


def winner_and_loser(run: Run) -> tuple[Series, Series] | None:
    """The adversarial loss that went to next to nothing, and the one that ran away meanwhile.

    Or the one that was right from the beginning, and the one that never fooled it.
    """
    players = _players(run, FEWEST_ROWS)
    pairs = ((one, other) for one in players for other in players if _are_rivals(one, other))
    return next(
        (
            pair
            for pair in pairs
            if (_is_long(*pair) and _won(pair[0]) and _ran_away(pair[1])) or never_a_game(*pair)
        ),
        None,
    )


def runaway_critic(run: Run) -> Series | None:
    """The adversarial loss that falls below 0 without bound, faster and faster to the end.

    Under a penalty, clipped weights or spectral normalisation a critic's distance grows for a
    while and then shrinks; without any of them it grows with the critic's weights.
    """
    players = _players(run, LEAST_ROWS)
    return next((series for series in players if _falls_without_bound(series)), None)


def _players(run: Run, least: int) -> list[Series]:
    return [
        series
        for series in run.every(Role.LOSS)
        if series.objective is Objective.ADVERSARIAL and len(finite(series.value)) >= least
    ]


def _is_long(one: Series, other: Series) -> bool:
    return min(len(finite(one.value)), len(finite(other.value))) >= LEAST_ROWS


def _falls_without_bound(series: Series) -> bool:
    levels = block_levels(finite(series.value), BLOCKS)
    early = max(abs(float(levels[0])), LEAST_LEVEL)
    falls = np.diff(levels)[-4:]
    faster = bool((falls < 0).all()) and bool((np.diff(falls) < 0).all())
    far = levels[-1] < -UNBOUNDED * early and levels[-1] < STILL * levels[BLOCKS // 2]
    return faster and bool(far)


def _are_rivals(one: Series, other: Series) -> bool:
    """Whether they are not two parts of the same player's loss."""
    side = _side(one.name)
    return one is not other and (side is None or side != _side(other.name))


def _side(name: str) -> str | None:
    return next((side for side, pattern in SIDES.items() if pattern.search(name)), None)


def never_a_game(winner: Series, loser: Series) -> bool:
    """Whether the one has been right all along, and the other never fooled it."""
    if not _is_long(winner, loser):
        return _is_overwhelmed(winner, loser)
    right, fooled = (block_levels(finite(one.value), BLOCKS) for one in (winner, loser))
    signless = bool((finite(winner.value) >= 0).all())
    return signless and any(
        bool((right < perfect).all()) and bool((fooled > beaten).all())
        for beaten, perfect in NEVER_FOOLED
    )


def _is_overwhelmed(winner: Series, loser: Series) -> bool:
    """Whether in a short log, but for its first rows, the one never errs, and the other always.

    In one of very few rows there are no first ones: that may be all that is to come.
    """
    few = min(len(finite(winner.value)), len(finite(loser.value))) < FEW_ROWS
    right, fooled = (
        finite(one.value)[0 if few else len(one) // AFTER :] for one in (winner, loser)
    )
    beaten, perfect = OVERWHELMED
    return bool((right >= 0).all() and (right < perfect).all() and (fooled > beaten).all())


def _won(series: Series) -> bool:
    """Next to nothing at the end; that of a critic's distance, which has a sign, is no victory."""
    values = finite(series.value)
    levels = block_levels(values, BLOCKS)
    won = bool((levels[-2:] < WON * max(float(levels[0]), LEAST_LEVEL)).all())
    return won and bool((values >= 0).all())


def _ran_away(series: Series) -> bool:
    levels = block_levels(finite(series.value), BLOCKS)
    early = max(abs(float(levels[0])), WON)
    return bool(levels[-1] > GROWN * early and levels[-1] >= 0.7 * levels.max())
