"""Names the series of a run: gives each its role, and each role the series that stands for it.

Where a role has several series, the one that shows the most stands for it:

- loss: the total, at its finest grain (most points), raw before smoothed; without a total the
  largest part, because it dominates the sum, but in detection always the box loss, so that runs
  can be compared. Beside a total, or the part that stands for it, all other parts are components.
- adversarial losses have no total: the generator's stands for them, and none of them need fall.
- reinforcement learning: a total if logged, else the critic's, which regresses on something, before
  the policy's. No loss of such a run need fall.
- learning rate: the first group.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Iterable, Mapping

import numpy as np

from gradcheck.errors import UsageError
from gradcheck.model import Objective, Role, Run, Series
from gradcheck.readers import role_names
from gradcheck.readers.role_names import Meaning

_Rank = tuple[float, ...]
_LOSSES = (Role.LOSS, Role.VALIDATION_LOSS)
_REINFORCEMENT_RUN = re.compile(
    r"\b(rollout|ep rew|eprew|ep len|episode|approx kl|clipfrac|clip fraction|explained variance"
    r"|completions|frac reward zero std|rlhf)\b"
)
_GENERATOR = frozenset({"g", "gen", "generator", "netg"})
_CRITIC = frozenset({"critic", "value", "vf", "q", "td", "v"})
_POLICY = frozenset({"policy", "actor", "pg", "pi", "surrogate"})
_SUBMODEL = frozenset({"g", "d", "gen", "disc", "generator", "discriminator", "actor", "critic"})


def assign(run: Run, overrides: Mapping[Role, str]) -> Run:
    """Give every series of a run its role, objective and standing.

    Raises:
        UsageError: an override names a series that the run does not have.
    """
    chosen = {_existing(name, role, run): role for role, name in overrides.items()}
    meanings = _meanings(series.name for series in run.series)
    named = [
        dataclasses.replace(s, role=meanings[s.name].role, objective=meanings[s.name].objective)
        for s in run.series
    ]
    for role in _LOSSES:
        named = _with_objectives(named, role)
    named = [_overridden(s, chosen[s.name]) if s.name in chosen else s for s in named]
    found = {series.role for series in named} - {Role.OTHER}
    primary = {role: _primary(named, role) for role in Role if role in found} | dict(overrides)
    return dataclasses.replace(run, series=tuple(named), primary=primary)


def _meanings(names: Iterable[str]) -> dict[str, Meaning]:
    """What each name means; a perplexity means something only where no loss says it better."""
    meanings = {name: role_names.meaning(name) for name in names}
    logged = {meaning.role for meaning in meanings.values() if not meaning.perplexity}
    return {
        name: Meaning(Role.OTHER) if meaning.perplexity and meaning.role in logged else meaning
        for name, meaning in meanings.items()
    }


def _with_objectives(series: list[Series], role: Role) -> list[Series]:
    losses = [s for s in series if s.role is role]
    plain = any(_is_total(s.name) for s in losses)
    main = None if plain or not losses else min(losses, key=_rank_part).name
    reinforcement = any(
        s.objective is Objective.REINFORCEMENT or _REINFORCEMENT_RUN.search(_text(s.name))
        for s in series
    )
    adversarial = any(s.objective is Objective.ADVERSARIAL for s in losses)

    def objective(loss: Series) -> Objective:
        if adversarial and loss.objective is Objective.REINFORCEMENT:
            return Objective.ADVERSARIAL  # a Wasserstein GAN calls its discriminator a critic
        if loss.objective is not Objective.MINIMISED:
            return loss.objective
        if reinforcement and not adversarial and role is Role.LOSS:
            return Objective.REINFORCEMENT
        total = _is_total(loss.name) or loss.name == main
        return Objective.MINIMISED if total else Objective.COMPONENT

    return [dataclasses.replace(s, objective=objective(s)) if s.role is role else s for s in series]


def _text(name: str) -> str:
    return " ".join(role_names.tokens(name))


def _is_total(name: str) -> bool:
    words = role_names.tokens(name)
    return set(words) <= role_names.NEUTRAL | role_names.DERIVED | role_names.PERPLEXITY


def _rank_part(loss: Series) -> _Rank:
    finite = np.abs(loss.value[np.isfinite(loss.value)])
    level = float(np.median(finite)) if len(finite) else 0.0
    words = set(role_names.tokens(loss.name))
    # `Loss/G/loss` is the whole of it, `Loss/G/reg` is not.
    extra = len(words - role_names.NEUTRAL) if loss.objective is Objective.ADVERSARIAL else 0
    return ("box" not in words, extra, -level)


def _primary(series: Iterable[Series], role: Role) -> str:
    """The series with the lowest rank; the first of those that tie."""
    rank = _RANKS.get(role, _as_logged)
    return min((s for s in series if s.role is role), key=rank).name


def _as_logged(_series: Series) -> _Rank:
    return ()


def _rank_loss(series: Series) -> _Rank:
    words = set(role_names.tokens(series.name))
    return (
        "test" in words,
        not _is_total(series.name),
        _rank_objective(series.objective, words),
        len(words & role_names.DERIVED) + 2 * len(words & {"max", "min"}),
        *((-len(series), "total" not in words) if _is_total(series.name) else _rank_part(series)),
    )


def _rank_objective(objective: Objective, words: set[str]) -> int:
    if objective is Objective.ADVERSARIAL:
        return 1 if words & _GENERATOR else 3
    if objective is Objective.REINFORCEMENT:
        return 1 if words & _CRITIC else 2 if words & _POLICY else 3
    return 0 if objective is Objective.MINIMISED else 2


def _rank_grad_norm(series: Series) -> _Rank:
    words = set(role_names.tokens(series.name))
    return (not words.isdisjoint(_SUBMODEL), "inf" in words, "max" in words, -len(series))


def _rank_learning_rate(series: Series) -> _Rank:
    return ("lrm" in role_names.tokens(series.name), "min" in role_names.tokens(series.name))


_RANKS: dict[Role, Callable[[Series], _Rank]] = {
    Role.LOSS: _rank_loss,
    Role.VALIDATION_LOSS: _rank_loss,
    Role.GRAD_NORM: _rank_grad_norm,
    Role.LEARNING_RATE: _rank_learning_rate,
}


def _overridden(series: Series, role: Role) -> Series:
    return dataclasses.replace(series, role=role, objective=Objective.MINIMISED)


def _existing(name: str, role: Role, run: Run) -> str:
    names = [series.name for series in run.series]
    if name in names:
        return name
    option = "--" + role.value.replace("_", "-")
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:8]
    raise UsageError(f"{option}: no series {name!r} in {run.path}; it has: {', '.join(close)}")
