"""Chooses which series stands for its role where several have it.

- loss: the total, at its finest grain (most points), raw before smoothed; without a total the
  largest part, because it dominates the sum, but in detection always the box loss, so that runs
  can be compared. A loss logged for the first steps only does not stand for the run.
- adversarial losses have no total: the generator's stands for them.
- reinforcement learning: a total if logged, else the critic's, which regresses on something, before
  the policy's.
- validation loss: as the loss, test sets last.
- gradient norm: of the whole model, the 2-norm, most points.
- learning rate: the first group; a multiplier or a minimum last.
- loss scale: most points, as a log tells it row by row or only where it changes.
- any other role: the first series logged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from gradcheck.model import Objective, Role, Series
from gradcheck.readers import role_names

_Rank = tuple[float, ...]

_GENERATOR = frozenset({"g", "gen", "generator"})
_CRITIC = frozenset({"critic", "value", "vf", "q", "q1", "q2", "qf", "qf1", "qf2", "td", "v"})
_LOSS_ITSELF = frozenset({"loss", "losses"})
_POLICY = frozenset({"policy", "actor", "pg", "pi", "surrogate"})
_SUBMODEL = frozenset({"g", "d", "gen", "disc", "generator", "discriminator", "actor", "critic"})
# AlgoPerf logs the loss of its first 100 steps beside evaluations of the whole run.
_REACH = 0.1


def primary(series: Iterable[Series], role: Role) -> str:
    """The series that stands for a role: the lowest rank, and the first of those that tie."""
    found = [one for one in series if one.role is role]
    rank = _RANKS.get(role, _as_logged)
    end = max(int(one.step.max()) for one in found)
    return min(found, key=lambda one: rank(one, end)).name


def _as_logged(_series: Series, _end: int) -> _Rank:
    return ()


def _rank_loss(series: Series, end: int) -> _Rank:
    words = set(role_names.tokens(series.name))
    return (
        "test" in words,
        "vs" in words,  # Keras counts `evaluation_loss_vs_iterations` in other steps than the rest
        int(series.step.max()) < _REACH * end,
        not words.isdisjoint(role_names.PENALTY),
        not is_total(series.name),
        _rank_objective(series.objective, words),
        len(words & role_names.DERIVED) + 2 * len(words & {"max", "min"}),
        *(_rank_total(series, words) if is_total(series.name) else _rank_part(series)),
    )


def _rank_total(loss: Series, words: set[str]) -> _Rank:
    # Keras' `crossentropy` is a metric beside `loss`, which holds the penalties, too.
    return (-len(loss), "total" not in words, words.isdisjoint(_LOSS_ITSELF))


def _rank_objective(objective: Objective, words: set[str]) -> int:
    if objective is Objective.ADVERSARIAL:
        return 1 if words & _GENERATOR else 3
    if objective is Objective.REINFORCEMENT:
        return 1 if words & _CRITIC else 2 if words & _POLICY else 3
    return 0 if objective is Objective.MINIMISED else 2


def _rank_grad_norm(series: Series, _end: int) -> _Rank:
    words = set(role_names.tokens(series.name))
    return (not words.isdisjoint(_SUBMODEL), "inf" in words, "max" in words, -len(series))


def _rank_learning_rate(series: Series, _end: int) -> _Rank:
    return ("lrm" in role_names.tokens(series.name), "min" in role_names.tokens(series.name))


def _rank_loss_scale(series: Series, _end: int) -> _Rank:
    return (-len(series),)


def is_total(name: str) -> bool:
    """Whether a loss of this name is the whole loss and not one of its parts."""
    words = role_names.tokens(name)
    return set(words) <= role_names.NEUTRAL | role_names.DERIVED | role_names.PERPLEXITY


def _rank_part(loss: Series) -> _Rank:
    finite = np.abs(loss.value[np.isfinite(loss.value)])
    level = float(np.median(finite)) if len(finite) else 0.0
    words = set(role_names.tokens(loss.name))
    # `Loss/G/loss` is the whole of it, `Loss/G/reg` is not.
    extra = len(words - role_names.NEUTRAL) if loss.objective is Objective.ADVERSARIAL else 0
    return ("box" not in words, extra, -level)


_RANKS: dict[Role, Callable[[Series, int], _Rank]] = {
    Role.LOSS: _rank_loss,
    Role.VALIDATION_LOSS: _rank_loss,
    Role.GRAD_NORM: _rank_grad_norm,
    Role.LOSS_SCALE: _rank_loss_scale,
    Role.LEARNING_RATE: _rank_learning_rate,
}
