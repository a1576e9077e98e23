"""What a recipe is: a mechanism with its truth, as a function that trains and yields rows."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.lab import Lab

HEALTHY = "healthy"
SHOWS = ("nonfinite", "diverges", "spikes", "stalls", "crashes")


@dataclass(frozen=True)
class Row:
    """What one optimizer step could log; a presentation picks what a log shows of it."""

    step: int
    loss: float | None
    grad_norm: float | None = None
    """Global norm before clipping, of unscaled gradients."""
    clipped_grad_norm: float | None = None
    rate: float | None = None
    scale: float | None = None
    """The loss scale, where a scaler is at work."""
    epoch: float | None = None
    validation: float | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    """Losses with names of their own (a discriminator's, a part of a total): in every log."""
    layers: Mapping[str, float] = field(default_factory=dict)
    """Gradient norm of each parameter, by its name."""
    extra: Mapping[str, float] = field(default_factory=dict)
    """What a careful author would log besides, by name: approx_kl, logit_scale, weight_norm."""


@dataclass(frozen=True)
class Recipe:
    """One mechanism and its truth; `run` trains with the fault in it, or repaired."""

    name: str
    mechanism: str
    """The row of failure-mechanisms.md (A1, B7, ...), or what tempts a detector."""
    family: str
    cause: str | None
    """The cause that a log can tell at best; None for a healthy run."""
    shows: str | None
    """What the fault must do to a run for it to count as failing; one of SHOWS."""
    repair: str | None
    """The change that `lab.repaired` makes."""
    run: Callable[[Lab], Iterator[Row]]
    learns: bool = True
    """Whether the repaired (or healthy) run's loss must end below its start."""
    console: bool = False
    """Whether only a console log can show it (a crash)."""

    @property
    def failing(self) -> bool:
        return self.family != HEALTHY

    @property
    def module(self) -> str:
        return self.run.__module__


_RECIPES: dict[str, Recipe] = {}


def failing(
    mechanism: str,
    family: str,
    cause: str,
    shows: str,
    repair: str,
    *,
    learns: bool = True,
    console: bool = False,
) -> Callable[[Callable[[Lab], Iterator[Row]]], Callable[[Lab], Iterator[Row]]]:
    """Declare a recipe that fails unless `lab.repaired`; its name is the function's."""
    assert shows in SHOWS

    def declare(run: Callable[[Lab], Iterator[Row]]) -> Callable[[Lab], Iterator[Row]]:
        _add(Recipe(run.__name__, mechanism, family, cause, shows, repair, run, learns, console))
        return run

    return declare


def healthy(
    temptation: str, *, learns: bool = True, console: bool = False
) -> Callable[[Callable[[Lab], Iterator[Row]]], Callable[[Lab], Iterator[Row]]]:
    """Declare a recipe in which nothing is wrong although something looks odd."""

    def declare(run: Callable[[Lab], Iterator[Row]]) -> Callable[[Lab], Iterator[Row]]:
        _add(Recipe(run.__name__, temptation, HEALTHY, None, None, None, run, learns, console))
        return run

    return declare


def _add(recipe: Recipe) -> None:
    assert recipe.name not in _RECIPES, recipe.name
    _RECIPES[recipe.name] = recipe


@functools.cache
def all_recipes() -> Mapping[str, Recipe]:
    """Every recipe of `recipes/`, by name."""
    package = importlib.import_module("tests.faults.recipes")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_RECIPES.items()))
