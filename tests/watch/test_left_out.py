"""Parameters that no optimizer updates: not those of one that another took over from."""

# mypy: allow-untyped-calls
from __future__ import annotations

import torch
from torch import nn

from gradcheck.watch import left_out
from gradcheck.watch.followed import Step
from gradcheck.watch.optimizers import LEAST_STEPS
from tests.watch.changes.acting import new_probe


def trained(model: nn.Module) -> torch.optim.SGD:
    """An optimizer of a model that has gradients."""
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    return torch.optim.SGD(model.parameters(), lr=0.1)


def test_a_model_kept_alive_was_updated_by_the_optimizer_before() -> None:
    old, new = nn.Linear(3, 1), nn.Linear(3, 1)
    first, second = trained(old), trained(new)
    whole = nn.ModuleList([old, new])
    probe = new_probe(whole, first)
    (followed,) = probe.optimizers
    followed.reached = True
    for at in range(LEAST_STEPS):
        probe.optimizers.remember(followed, Step(0, at, 1.0, 1.0, (), 0.1))
    probe.optimizers.follow(second)
    assert len(probe.optimizers) == 1
    assert not list(left_out.observations(probe, {}))


def test_a_model_without_an_optimizer_is_left_out() -> None:
    old, new = nn.Linear(3, 1), nn.Linear(3, 1)
    trained(old)
    second = trained(new)
    whole = nn.ModuleList([old, new])
    probe = new_probe(whole, second)
    (seen,) = left_out.observations(probe, {})
    assert seen.key == "parameters_left_out"


def test_gradients_that_the_loop_has_just_cleared_did_arrive() -> None:
    """Whichever way round a loop clears and steps, only a loss without a graph reaches nothing."""
    for reached in (True, False):
        model = nn.Linear(3, 1)
        optimizer = trained(model)
        probe = new_probe(model, optimizer)
        (followed,) = probe.optimizers
        followed.reached = reached
        probe.optimizers.remember(followed, Step(0, 0, 1.0, 1.0, (), 0.1))
        for p in model.parameters():
            p.grad = None
        found = [one.key for one in left_out.observations(probe, {})]
        assert found == ([] if reached else ["parameters_left_out"])


def test_a_model_that_is_not_trained_any_more_was_not_left_out() -> None:
    """Its gradients are still there, and the same in every step; its optimizer is gone."""
    old, new = nn.Linear(3, 1), nn.Linear(3, 1)
    trained(old)
    second = trained(new)
    whole = nn.ModuleList([old, new])
    probe = new_probe(whole, second)
    before = left_out.gradients(probe)
    for p in new.parameters():
        p.grad = 2 * torch.ones_like(p)
    assert not list(left_out.observations(probe, before))
    for p in old.parameters():
        p.grad = 2 * torch.ones_like(p)
    (seen,) = left_out.observations(probe, before)
    assert seen.key == "parameters_left_out"


def test_a_model_that_takes_over_without_an_optimizer() -> None:
    """Its parameters get gradients, and the optimizer still holds those of the one before."""
    old, new = nn.Linear(3, 1), nn.Linear(3, 1)
    first = trained(old)
    probe = new_probe(old, first)
    (followed,) = probe.optimizers
    followed.reached = True
    looking = left_out.LeftOut(probe)
    for tick in range(1, 200):
        probe.optimizers.remember(followed, Step(0, tick - 1, 1.0, 1.0, (), 0.1))
        if tick == 150:
            probe.registry.add(new)
        if tick >= 150:
            for p in new.parameters():
                p.grad = tick * torch.ones_like(p)
        looking.look(tick)
        assert bool(looking.found) == (tick >= 155)
    (seen,) = looking.found
    assert (seen.key, seen.step) == ("model_left_out", 149)


def test_a_tensor_that_no_model_holds_is_what_is_trained() -> None:
    """An adversarial example, say: the model gets gradients by the way."""
    model, example = nn.Linear(3, 1), torch.zeros(3, requires_grad=True)
    example.grad = torch.ones(3)
    optimizer = torch.optim.SGD([example], lr=0.1)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    probe = new_probe(model, optimizer)
    (followed,) = probe.optimizers
    followed.reached = True
    probe.optimizers.remember(followed, Step(0, 0, 1.0, 1.0, (), 0.1))
    assert "model_left_out" not in {one.key for one in left_out.observations(probe, {})}


def stepped(model: nn.Module, optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> list[str]:
    """What is told after a step along the gradient of a loss."""
    probe = new_probe(model, optimizer)
    loss.backward()
    optimizer.step()
    return [one.key for one in left_out.unreached(probe)]


def test_what_most_of_a_model_never_gets() -> None:
    encoder, head, x = nn.Linear(20, 20), nn.Linear(20, 1), torch.randn(4, 20)
    model = nn.Sequential(encoder, head)

    def adam() -> torch.optim.Adam:
        return torch.optim.Adam(model.parameters())

    assert stepped(model, adam(), head(encoder(x).detach()).mean()) == ["gradients_missing"]
    model.zero_grad()
    assert stepped(model, adam(), head(encoder(x)).mean()) == []
    model.zero_grad()
    encoder.requires_grad_(False)  # frozen by intention
    assert stepped(model, adam(), head(encoder(x)).mean()) == []


def test_optimizers_that_keep_no_state_for_each_tell_nothing() -> None:
    model, x = nn.Sequential(nn.Linear(20, 20), nn.Linear(20, 1)), torch.randn(4, 20)
    plain = torch.optim.SGD(model.parameters(), lr=0.1)
    assert stepped(model, plain, model(x).mean()) == []
    model.zero_grad()
    newton = torch.optim.LBFGS(model.parameters())
    probe = new_probe(model, newton)
    newton.step(lambda: model(x).square().mean())
    assert not list(left_out.unreached(probe))
