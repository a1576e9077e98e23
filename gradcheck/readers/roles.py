"""Names the series of a run: gives each its role, and each role the series that stands for it."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping

from gradcheck.errors import NoSuchSeries
from gradcheck.model import Objective, Role, Run, Series
from gradcheck.model.inside import BOOTSTRAPPED, WEIGHED
from gradcheck.readers import role_names, role_ranks
from gradcheck.readers.role_names import Meaning

_LOSSES = (Role.LOSS, Role.VALIDATION_LOSS)
_REINFORCEMENT_RUN = re.compile(
    r"\b(rollout|ep rew|eprew|ep len|episode|approx kl|clipfrac|clip fraction|explained variance"
    r"|completions|frac reward zero std|rlhf|mean q)\b|^((mean|avg|average|total) )?rewards?$"
)
"""Rewards of chosen and rejected answers are those of a preference loss, which is to fall."""


def assign(run: Run, overrides: Mapping[Role, str]) -> Run:
    """Give every series of a run its role, objective and standing.

    Raises:
        NoSuchSeries: an override names a series that the run does not have.
    """
    chosen = {_existing(name, role, run): role for role, name in overrides.items()}
    meanings = _meanings(series.name for series in run.series)
    named = [
        dataclasses.replace(s, role=meanings[s.name].role, objective=meanings[s.name].objective)
        for s in run.series
    ]
    named = _with_lone_norm(named)
    for role in _LOSSES:
        named = _with_objectives(named, role, surrogate=_is_surrogate(run))
    named = [_overridden(s, chosen[s.name]) if s.name in chosen else s for s in named]
    found = {series.role for series in named} - {Role.OTHER}
    primary = {role: role_ranks.primary(named, role) for role in Role if role in found}
    return dataclasses.replace(run, series=tuple(named), primary={**primary, **overrides})


def _meanings(names: Iterable[str]) -> dict[str, Meaning]:
    """What each name means; a stand-in means something only where no loss says it better."""
    meanings = {name: role_names.meaning(name) for name in names}
    logged = {meaning.role for meaning in meanings.values() if not meaning.stand_in}
    return {
        name: Meaning(Role.OTHER) if meaning.stand_in and meaning.role in logged else meaning
        for name, meaning in meanings.items()
    }


def _with_lone_norm(series: list[Series]) -> list[Series]:
    """Take a single gradient norm for the global one, whatever words its name has besides."""
    norms = [s for s in series if s.role in (Role.GRAD_NORM, Role.LAYER_GRAD_NORM)]
    if len(norms) != 1 or norms[0].role is Role.GRAD_NORM:
        return series
    return [dataclasses.replace(s, role=Role.GRAD_NORM) if s is norms[0] else s for s in series]


def _is_surrogate(run: Run) -> bool:
    return any(seen.key in (WEIGHED, BOOTSTRAPPED) for seen in run.observations)


def _with_objectives(series: list[Series], role: Role, *, surrogate: bool) -> list[Series]:
    losses = [s for s in series if s.role is role]
    main = role_ranks.primary(losses, role) if losses else None
    reinforcement = surrogate or any(
        s.objective is Objective.REINFORCEMENT or _REINFORCEMENT_RUN.search(_text(s.name))
        for s in series
    )
    adversarial = any(s.objective is Objective.ADVERSARIAL for s in losses)

    def objective(loss: Series) -> Objective:
        if adversarial and loss.objective is Objective.REINFORCEMENT:
            return Objective.ADVERSARIAL  # a Wasserstein GAN calls its discriminator a critic
        if loss.objective is not Objective.MINIMISED:
            return loss.objective
        if adversarial and _is_of_a_letter(loss.name):
            return Objective.ADVERSARIAL  # `loss_c` beside `loss_g`
        if reinforcement and not adversarial and role is Role.LOSS:
            return Objective.REINFORCEMENT
        total = role_ranks.is_total(loss.name) or loss.name == main
        return Objective.MINIMISED if total else Objective.COMPONENT

    return [dataclasses.replace(s, objective=objective(s)) if s.role is role else s for s in series]


def _is_of_a_letter(name: str) -> bool:
    """Whether all that a name says beside that it is a loss is one letter, a player's."""
    words = [word for word in role_names.tokens(name) if word not in role_names.NEUTRAL]
    return len(words) == 1 and len(words[0]) == 1


def _text(name: str) -> str:
    return " ".join(role_names.tokens(name))


def _overridden(series: Series, role: Role) -> Series:
    return dataclasses.replace(series, role=role, objective=Objective.MINIMISED)


def _existing(name: str, role: Role, run: Run) -> str:
    names = [series.name for series in run.series]
    if name in names:
        return name
    option = "--" + role.value.replace("_", "-")
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:8]
    raise NoSuchSeries(run.path, f"{option}: no series {name!r}; it has: {', '.join(close)}")
