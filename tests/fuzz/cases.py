"""Cases: which log is damaged and how, all told by two numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz.mutations import damage
from tests.fuzz.rope import Rope
from tests.fuzz.seeds import KINDS, Seed, seeds

_SHARE = {"events": 30, "csv": 20, "json": 20, "text": 20, "wandb": 6, "sqlite": 4}
_TEXTS = frozenset({"csv", "json", "text"})


@dataclass(frozen=True)
class Case:
    """A damaged log."""

    number: int
    kind: str
    seed: Seed
    rope: Rope
    mutations: tuple[str, ...]


def make(seed: int, number: int, kinds: Sequence[str] = KINDS) -> Case:
    """The case of a number; it depends on nothing but the arguments."""
    random = Random(f"{seed}/{number}")
    (kind,) = random.choices(kinds, [_SHARE[kind] for kind in kinds])
    chosen = random.choice(seeds(kind))
    other = random.choice(seeds(random.choice((kind, kind, *kinds))))
    rope, names = damage(chosen.data, other.data, random, text=kind in _TEXTS)
    return Case(number, kind, chosen, rope, tuple(names))
