"""Has one player of an adversarial game won for good?"""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.games import BLOCKS, winner_and_loser
from gradcheck.measure.robust import finite, level
from gradcheck.model import Evidence
from gradcheck.wording import number

CLUES = {
    "one_adversary_won": ClueKind(
        "one adversarial loss goes to next to nothing while the other one runs away"
    ),
}


def observe(case: Case) -> Iterator[Clue]:
    """Compare the two losses of a game, from its start to its end."""
    found = winner_and_loser(case.run)
    if found is None:
        return
    winner, loser = found
    values, won = finite(loser.value), finite(winner.value)
    block = len(values) // BLOCKS
    said = (
        f"{winner.name} is down to {number(level(won[-len(won) // BLOCKS :]))} while "
        f"{loser.name} went from {number(level(values[:block]))} to "
        f"{number(level(values[-block:]))}"
    )
    window = (int(winner.step[0]), int(winner.step[-1]))
    yield Clue("one_adversary_won", Evidence(said, winner.name, *window))
