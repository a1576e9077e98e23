"""Which exponentials are the ratios of a new policy to an old one, and which are not."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from gradcheck.watch.survey import Survey
from tests.watch.running import Zygote

NEW, OLD = torch.randn(6, requires_grad=True), torch.randn(6) - 3
SCORES = torch.randn(6, 4, requires_grad=True)


def plain(logp: Tensor) -> Tensor:
    return torch.exp(logp - OLD)


def in_two_lines(logp: Tensor) -> Tensor:
    log_ratio = logp - OLD
    return log_ratio.clamp(-20, 20).exp()


def of_sums(logp: Tensor) -> Tensor:
    new, old_logp = logp[:, None].expand(6, 2), OLD[:, None].expand(6, 2)
    return (new - old_logp).sum(-1).exp()


def the_other_way_round(logp: Tensor) -> Tensor:
    return (OLD - logp).exp()


def error_of_a_target(prediction: Tensor) -> Tensor:
    error = prediction - OLD
    return torch.exp(error) - error


def error_of_a_threshold(prediction: Tensor) -> Tensor:
    threshold, generation = OLD, prediction
    return torch.exp(generation - threshold)


def softmax_by_hand(logp: Tensor) -> Tensor:
    return torch.exp(SCORES - SCORES.detach().amax(1, keepdim=True))


def of_two_learned(logp: Tensor) -> Tensor:
    return torch.exp(logp - 2 * logp)


def deviation(logp: Tensor) -> Tensor:
    old_std = logp.exp()
    return old_std * OLD


def largest(made: Callable[[Tensor], Tensor]) -> float | None:
    survey = Survey({}, {})
    with survey:
        made(NEW)
    return survey._step.get("ratio")


@pytest.mark.parametrize("made", [plain, in_two_lines, of_sums, the_other_way_round])
def test_a_ratio(made: Callable[[Tensor], Tensor]) -> None:
    assert largest(made) == pytest.approx(float(made(NEW).detach().max()))


@pytest.mark.parametrize(
    "made", [error_of_a_target, error_of_a_threshold, softmax_by_hand, of_two_learned, deviation]
)
def test_no_ratio(made: Callable[[Tensor], Tensor]) -> None:
    assert largest(made) is None


LOOP = """
import torch
from torch import nn
torch.manual_seed(0)
policy = nn.Linear(4, 3)
opt = torch.optim.SGD(policy.parameters(), lr=1e-3)
for round in range(4):
    states = torch.randn(64, 4)
    with torch.no_grad():
        dist = torch.distributions.Categorical(logits=policy(states))
        actions = dist.sample()
        old = dist.log_prob(actions) - (round == 2) * {unlikely}
    gains = torch.randn(64) + (actions == 0)
    for epoch in range(8):
        logp = torch.distributions.Categorical(logits=policy(states)).log_prob(actions)
        loss = -((logp - old).exp() * gains).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
"""


def test_a_ratio_that_overflows_is_told_as_one(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, LOOP.format(unlikely=100))
    assert "ratio_overflowed" in ran.keys
    assert ran.cause == "policy_ratio_explosion"


def test_a_policy_that_stays_near_says_nothing_of_ratios(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, LOOP.format(unlikely=0))
    assert not {"ratio_overflowed", "ratio_left_range"} & set(ran.keys)
    assert math.isfinite(ran.run["confidence"])
