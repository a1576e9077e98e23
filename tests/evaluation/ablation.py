"""What each kind of evidence buys: the same evaluation without the clues of one question."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from gradcheck import plugins
from tests.evaluation.fitting import Design
from tests.evaluation.observations import Observation
from tests.evaluation.scoring import Score, score
from tests.evaluation.validation import held_out


def ablate(
    columns: Design, observations: Sequence[Observation], level: str = "norm"
) -> dict[str, Score]:
    """The score at a level of logging with all clues, then without those of each question.

    Not calibrated anew each time: what is compared is what the evidence says.
    """
    at_level = [one for one in observations if one.truth.level == level]
    found = {"all evidence": score(held_out(columns, at_level, calibrated=False))}
    for question, clues in plugins.collect("clues", "CLUES").items():
        less = [_without(one, frozenset(clues)) for one in at_level]
        found[question] = score(held_out(columns, less, calibrated=False))
    return found


def _without(one: Observation, clues: frozenset[str]) -> Observation:
    seen = tuple(
        dataclasses.replace(part, clues=tuple(c for c in part.clues if c[0] not in clues))
        for part in one.seen
    )
    return dataclasses.replace(one, seen=seen)
