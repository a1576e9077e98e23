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
    assert not list(left_out.observations(probe))


def test_a_model_without_an_optimizer_is_left_out() -> None:
    old, new = nn.Linear(3, 1), nn.Linear(3, 1)
    trained(old)
    second = trained(new)
    whole = nn.ModuleList([old, new])
    probe = new_probe(whole, second)
    (seen,) = left_out.observations(probe)
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
        found = [one.key for one in left_out.observations(probe)]
        assert found == ([] if reached else ["parameters_left_out"])
