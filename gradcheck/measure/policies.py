"""What policy gradient methods log of how far the policy is from the one that sampled."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradcheck.model import Objective, Role, Run, Series

DIVERGENCE = re.compile(r"\b((approx|mean|policy|old|true) ?)?kl\b")
OF_POLICY = re.compile(r"\b(approx|policy|ppo|old) ?kl\b")
RATIO = re.compile(
    r"\bratio\b.*\b(max|mean)\b|\b(max|mean|prob|importance|is)\b.*\bratio\b|^ratio$"
)
CLIPPED = re.compile(r"\bclip ?(frac|fraction)\b")
NOT_THIS = re.compile(r"\b(coef|coeff|weight|beta|target|lr|update|compression|sparsity|vae)\b")
Limits = tuple[float, float]
KL, RATIOS, CLIPS = (0.5, 0.1), (5.0, 2.0), (0.7, 0.3)
"""Beyond any update that PPO means to make, and the highest early level that may be left so."""


def measures(run: Run) -> Iterator[tuple[Series, Limits]]:
    """The series that measure the policy, each with its limits."""
    for series in (*run.every(Role.OTHER), *run.every(Role.LOSS)):  # "losses/approx_kl"
        name = _plain(series.name)
        limits = None if NOT_THIS.search(name) else _limits(run, name)
        if limits is not None:
            yield series, limits


def is_own(series: Series) -> bool:
    """Whether it is a divergence that is named as the one between policies."""
    return bool(OF_POLICY.search(_plain(series.name)))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def _limits(run: Run, name: str) -> Limits | None:
    if CLIPPED.search(name):
        return CLIPS
    if RATIO.search(name):
        return RATIOS
    return KL if DIVERGENCE.search(name) and (OF_POLICY.search(name) or _has_policy(run)) else None


def _has_policy(run: Run) -> bool:
    """Whether a loss is one of reinforcement learning: a VAE or a distillation has a KL too."""
    return any(series.objective is Objective.REINFORCEMENT for series in run.every(Role.LOSS))
