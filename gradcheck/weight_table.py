"""The table of weights: what each clue adds for each cause, fitted on the fault suite."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from gradcheck import plugins
from gradcheck.case import ClueKind
from gradcheck.causes.base import Cause

FILE = "weights.json"
NONE: Mapping[str, float] = {"quiet": 2.0, "warned": 0.0, "passing": -0.5, "failed": -1.0}
"""Expected log-odds of "none of these": nothing to explain, a warning, a spike, a failure."""

KEY = 2.0
"""Expected log-odds from which on a clue is one that a cause may rest on."""


@dataclass(frozen=True)
class Table:
    """Log-odds of each cause before any clue, of each clue for a cause, and of "none of these"."""

    prior: Mapping[str, float]
    weight: Mapping[str, Mapping[str, float]]
    none: Mapping[str, float]
    keys: Mapping[str, frozenset[str]]
    """The clues of which a cause needs one before any other may speak for it."""

    def score(self, cause: str, strengths: Mapping[str, float]) -> float:
        """Log-odds of a cause, from how clearly each clue was seen.

        What is common to many mechanisms (a loss that climbed) adds to a cause only where one of
        its own key clues is seen; what speaks against it always counts.
        """
        known = bool(self.keys[cause] & strengths.keys())
        added = (self.of(cause, clue) * strength for clue, strength in strengths.items())
        return self.prior[cause] + sum(w for w in added if known or w < 0)

    def of(self, cause: str, clue: str) -> float:
        """What a clue adds to a cause; 0 where it says nothing."""
        weight = self.weight[cause].get(clue)
        return clue_kinds()[clue].against if weight is None else weight


@functools.cache
def causes() -> Mapping[str, Cause]:
    """The catalogue, by id."""
    return plugins.collect("causes", "CAUSE")


@functools.cache
def clue_kinds() -> Mapping[str, ClueKind]:
    """Every clue that may be seen, by key."""
    folders = plugins.collect("clues", "CLUES").values()
    return {key: kind for clues in folders for key, kind in clues.items()}


def expected() -> Table:
    """What the causes themselves expect of the clues, before any fit."""
    return Table(
        {name: cause.prior for name, cause in causes().items()},
        {name: dict(cause.weights) for name, cause in causes().items()},
        NONE,
        {
            name: frozenset(clue for clue, weight in cause.weights.items() if weight >= KEY)
            for name, cause in causes().items()
        },
    )


@functools.cache
def fitted() -> Table:
    """The fitted table; a cause or clue that it does not hold has the weight its cause expects."""
    stored = json.loads(resources.files("gradcheck").joinpath(FILE).read_text("utf-8"))
    before = expected()
    known = stored["causes"]
    return Table(
        {name: known.get(name, {}).get("prior", prior) for name, prior in before.prior.items()},
        {
            name: {**weights, **known.get(name, {}).get("clues", {})}
            for name, weights in before.weight.items()
        },
        {**before.none, **stored["none"]},
        before.keys,
    )
