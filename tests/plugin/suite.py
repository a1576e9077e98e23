"""Tests that train, one for each way to ask the plugin; test_plugin.py knows how each must end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

CALM, SPIKE, NAN = 1.0, 1000.0, float("nan")


def train(odd: float = CALM, steps: int = 5, at: int = 3) -> list[float]:
    """Some steps, one of which has an odd target."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for step in range(steps):
        x = torch.randn(8, 4)
        y = x.sum(1, keepdim=True)
        y[2] = odd if step == at else y[2]
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.gradcheck
def test_nan_fails() -> None:
    train(NAN)


@pytest.mark.gradcheck
def test_nan_fails_whatever_the_test_catches() -> None:
    try:
        train(NAN)
    except Exception:
        print("caught")


@pytest.mark.gradcheck
def test_spike_passes_by_default() -> None:
    train(SPIKE)


def test_fixture_fails(gradcheck_watch: Any) -> None:
    train(NAN)


def test_unwatched_passes() -> None:
    train(NAN)


@pytest.mark.parametrize("odd", [CALM, SPIKE], ids=["calm", "spike"])
@pytest.mark.gradcheck(fail_on="spike")
def test_each(odd: float) -> None:
    train(odd)


@pytest.mark.gradcheck(fail_on="spike")
class TestClass:
    def test_calm_passes(self) -> None:
        train()

    def test_without_training_passes(self) -> None:
        assert True

    def test_spike_fails(self) -> None:
        train(SPIKE)

    @pytest.mark.gradcheck(fail_on="failure")
    def test_closest_mark_wins(self) -> None:
        train(SPIKE)

    @pytest.mark.gradcheck(spike_ratio=1e6)
    def test_ratio_passes(self) -> None:
        train(SPIKE)


@pytest.mark.gradcheck
def test_without_training_fails() -> None:
    assert True


@pytest.mark.gradcheck(fail_on="spike")
def test_two_steps_fail() -> None:
    train(steps=2)


@pytest.mark.gradcheck(fail_on="spike")
def test_falling_gradients_pass() -> None:
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 1000.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.45)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.ones(1, 1)).square().mean().backward()
        optimizer.step()


@pytest.mark.gradcheck(fail_on="spike")
def test_explosion_fails() -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=50.0)
    for _ in range(5):
        optimizer.zero_grad()
        model(torch.ones(1, 1)).square().mean().backward()
        optimizer.step()


@pytest.mark.gradcheck(fail_on="spike")
def test_second_optimizer_fails() -> None:
    torch.manual_seed(0)
    nets = [nn.Linear(4, 1), nn.Linear(4, 1)]
    optimizers = [torch.optim.SGD(net.parameters(), lr=0.01) for net in nets]
    for step in range(5):
        for at, (net, optimizer) in enumerate(zip(nets, optimizers, strict=True)):
            x = torch.randn(8, 4) * (1000.0 if step == 3 and at == 1 else 1.0)
            optimizer.zero_grad()
            net(x).square().mean().backward()
            optimizer.step()


@pytest.mark.gradcheck(fail_on="spike")
def test_own_assertion_fails() -> None:
    losses = train(SPIKE)
    assert losses == "my own assertion"


@pytest.mark.gradcheck(fail_on="spike")
def test_own_error_fails() -> None:
    train()
    raise LookupError("my own error")


@pytest.mark.gradcheck(fail_on="spike")
def test_skip_is_skipped() -> None:
    train(SPIKE)
    pytest.skip("not today")


@pytest.mark.xfail(strict=True)
@pytest.mark.gradcheck(fail_on="spike")
def test_expected_failure_is_skipped() -> None:
    train(SPIKE)


@pytest.mark.gradcheck(fail_on="never")
def test_never_passes(gradcheck_watch: Any) -> None:
    train(NAN, steps=6)
    report = gradcheck_watch.stop()
    assert (report.verdict, report.run.last_step) == ("bad_data", 5)
    assert gradcheck_watch.report is gradcheck_watch.stop()


@pytest.fixture(scope="module", params=[CALM, SPIKE], ids=["calm", "spike"])
def trained(request: pytest.FixtureRequest, gradcheck_region: Callable[..., Any]) -> Iterator[int]:
    with gradcheck_region(fail_on="spike") as watched:
        train(request.param)
    yield watched.report.run.last_step


def test_region(trained: int) -> None:
    assert trained == 4


@pytest.mark.gradcheck
def test_region_within_fails(gradcheck_region: Callable[..., Any]) -> None:
    train()
    with gradcheck_region():
        train()
