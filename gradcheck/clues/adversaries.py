"""Has one player of an adversarial game won for good, or run away?"""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.games import BLOCKS, runaway_critic, winner_and_loser
from gradcheck.measure.robust import finite, level
from gradcheck.model import Evidence, Series
from gradcheck.wording import number

CLUES = {
    "one_adversary_won": ClueKind(
        "one adversarial loss goes to next to nothing while the other one runs away"
    ),
    "critic_without_bound": ClueKind(
        "an adversarial loss falls below 0 faster and faster: nothing bounds the critic"
    ),
}


def observe(case: Case) -> Iterator[Clue]:
    """Compare the two losses of a game, from its start to its end."""
    found = winner_and_loser(case.run)
    critic = runaway_critic(case.run)
    if found is not None:
        yield _won(*found)
    elif critic is not None:
        first, last = _ends(critic)
        said = f"{critic.name} went from {first} to {last}, faster and faster: it has no bound"
        window = (int(critic.step[0]), int(critic.step[-1]))
        yield Clue("critic_without_bound", Evidence(said, critic.name, *window))


def _won(winner: Series, loser: Series) -> Clue:
    (_, down), (first, last) = _ends(winner), _ends(loser)
    said = f"{winner.name} is down to {down} while {loser.name} went from {first} to {last}"
    window = (int(winner.step[0]), int(winner.step[-1]))
    return Clue("one_adversary_won", Evidence(said, winner.name, *window))


def _ends(series: Series) -> tuple[str, str]:
    """The level of the first rows, and of the last."""
    values = finite(series.value)
    block = len(values) // BLOCKS
    return number(level(values[:block])), number(level(values[-block:]))
