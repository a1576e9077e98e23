"""Mistakes of a training loop, and loops that only look like them."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from gradcheck.model import Observation
from gradcheck.watch import objective
from gradcheck.watch.loop import CHECKED_STEPS, LoopChecks
from gradcheck.watch.signs import READ_EVERY
from tests.watch.changes.acting import new_probe
from tests.watch.running import Zygote

SCRIPT = """
import torch
from torch import nn
from torch.nn import functional as F
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
x, y = torch.randn(8, 4), torch.randn(8, 1)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)


def loss_of():
    return F.mse_loss(model(x), y)


def clip():
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)


def clear():
    optimizer.zero_grad()


for step in range(12):
"""
ACCUMULATED = """
for micro in range(4):
    {loss}.backward()
optimizer.step()
clear()
"""
OWN = """
class Own(torch.optim.Optimizer):
    @torch.no_grad()
    def step(self):
        for p in self.param_groups[0]['params']:
            p.add_(p.grad, alpha={by})

if not step:
    optimizer = None
    optimizer = Own(model.parameters(), {{'lr': 1e-3}})
"""
CLIMBING, DESCENDING = OWN.format(by=1e-3), OWN.format(by=-1e-3)
MISTAKES = {
    "gradients_kept": "loss_of().backward()\noptimizer.step()",
    "clipped_too_late": "clear()\nloss_of().backward()\noptimizer.step()\nclip()",
    "clipped_too_early": "clear()\nclip()\nloss_of().backward()\noptimizer.step()",
    "accumulated_undivided": ACCUMULATED.format(loss="loss_of()"),
    "clipped_nothing": "if not step:\n    parameters = model.parameters()\n"
    "    list(parameters)\nclear()\nloss_of().backward()\n"
    "nn.utils.clip_grad_norm_(parameters, 1.0)\noptimizer.step()",
    "accumulated_undivided, later": "for micro in range(1 if step < 7 else 4):\n"
    "    loss_of().backward()\noptimizer.step()\nclear()",
    "clipped_while_scaled": (
        "clear()\nscaler.scale(loss_of()).backward()\nclip()\nscaler.step(optimizer)\n"
        "scaler.update()"
    ),
    "clipped_while_scaled, by hand": (
        "clear()\n(1024 * loss_of()).backward()\nclip()\nfor p in model.parameters():\n"
        "    p.grad.div_(1024)\noptimizer.step()"
    ),
    "update_climbs": "optimizer.param_groups[0]['lr'] = -1e-4\nclear()\nloss_of().backward()\n"
    "optimizer.step()",
    "update_climbs, of an optimizer of one's own": CLIMBING + "clear()\nloss_of().backward()\n"
    "optimizer.step()",
    "loss_negated": "clear()\n(-loss_of()).backward()\noptimizer.step()",
    "loss_partly_negated": "clear()\n(loss_of() - F.mse_loss(model(-x), -y)).backward()\n"
    "optimizer.step()",
    "parameters_left_out": "if not step:\n"
    "    optimizer = torch.optim.SGD(model[2].parameters(), lr=1e-3)\n"
    "clear()\nmodel.zero_grad()\nloss_of().backward()\noptimizer.step()",
}
SOUND = {
    "an optimizer of one's own": DESCENDING + "clear()\nloss_of().backward()\noptimizer.step()",
    "plain": "clear()\nloss_of().backward()\nclip()\noptimizer.step()",
    "cleared_at_the_end": "loss_of().backward()\nclip()\noptimizer.step()\nclear()",
    "cleared_in_between": "loss = loss_of()\nclear()\nloss.backward()\noptimizer.step()",
    "cleared_by_the_model": "model.zero_grad()\nloss_of().backward()\noptimizer.step()",
    "cleared_to_zero": "optimizer.zero_grad(set_to_none=False)\nloss_of().backward()\n"
    "optimizer.step()",
    "cleared_by_hand": "for p in model.parameters():\n    p.grad = None\n"
    "loss_of().backward()\noptimizer.step()",
    "divided": ACCUMULATED.format(loss="(loss_of() / 4)"),
    "multiplied": ACCUMULATED.format(loss="(0.25 * loss_of())"),
    "two_losses": "clear()\nloss_of().backward()\n(2 * loss_of()).backward()\noptimizer.step()",
    "two_passes_later": "clear()\nloss_of().backward()\n"
    "if step > 6:\n    F.mse_loss(model(x), model(x).detach()).backward()\noptimizer.step()",
    "unscaled_before": "clear()\nscaler.scale(loss_of()).backward()\nscaler.unscale_(optimizer)\n"
    "clip()\nscaler.step(optimizer)\nscaler.update()",
    "scaled_by_hand": "clear()\n(1024 * loss_of()).backward()\nfor p in model.parameters():\n"
    "    p.grad.div_(1024)\nclip()\noptimizer.step()",
    "divided_and_scaled": "for micro in range(4):\n    scaler.scale(loss_of() / 4).backward()\n"
    "scaler.step(optimizer)\nscaler.update()\nclear()",
    "negative_likelihood": "clear()\n(-F.logsigmoid(model(x)).mean()).backward()\noptimizer.step()",
    "policy_gradient": "clear()\n(-(F.logsigmoid(model(x)) * y).mean()).backward()\n"
    "optimizer.step()",
    "entropy_bonus": "clear()\np = model(x).sigmoid()\n"
    "(loss_of() + 0.01 * (p * p.log()).mean()).backward()\noptimizer.step()",
    "evaluated_in_between": "clear()\nloss_of().backward()\noptimizer.step()\nclear()\n"
    "model(torch.randn(4, 4, requires_grad=True)).sum().backward()",
}


def script(body: str) -> str:
    return SCRIPT + "\n".join(f"    {line}" for line in body.strip().splitlines()) + "\n"


@pytest.mark.parametrize("key", MISTAKES)
def test_a_mistake(zygote: Zygote, tmp_path: Path, key: str) -> None:
    ran = zygote.watch(tmp_path, script(MISTAKES[key]))
    assert key.partition(",")[0] in ran.keys, (ran.observations, ran.err)
    assert not ran.held


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_loop(zygote: Zygote, tmp_path: Path, name: str) -> None:
    ran = zygote.watch(tmp_path, script(SOUND[name]))
    assert ran.code == 0, ran.err
    # that is no mistake, but tells what the loss is worth
    assert ran.keys == (["loss_weighed_both_ways"] if name == "policy_gradient" else [])


# ---- what the terms of the losses say, step by step

Loss = Callable[[Tensor], Tensor]


def lowered(w: Tensor) -> Tensor:
    """A squared error."""
    return (w - 1).square().sum()


def negated(w: Tensor) -> Tensor:
    """The same with a wrong sign."""
    return -lowered(w)


def partly(w: Tensor) -> Tensor:
    """One error minus another."""
    return lowered(w) - 0.1 * (w - 7.0).abs().sum()


def unknown(w: Tensor) -> Tensor:
    """A score, of which nobody knows what it should be."""
    return -w.sum()


def looped(*steps: Loss, passes: int = 1, clears: bool = False) -> LoopChecks:
    """What is noticed of a loop with one loss a step, which backward runs from in every pass."""
    w = nn.Parameter(torch.tensor([0.5, -2.0, 3.0]))
    optimizer = torch.optim.SGD([w], lr=0.01)
    probe = new_probe(None, optimizer)
    (followed,) = probe.optimizers
    checks = LoopChecks()
    for loss_of in steps:
        checks.cleared([followed])
        optimizer.zero_grad()
        for _ in range(passes):
            if clears:  # a closure that runs again
                checks.cleared([followed])
            loss = loss_of(w) / passes
            checks.before_backward([followed], loss, scaled=False)
            loss.backward()
        checks.stepping(followed)
        probe._measure(followed)
        checks.stepped(optimizer, followed, probe._step(followed))
    return checks


def signs(*steps: Loss, passes: int = 1) -> list[Observation]:
    told = looped(*steps, passes=passes).observations()
    return [one for one in told if one.key.startswith("loss_")]


SIGNS: dict[str, tuple[list[Loss], list[tuple[str, int]]]] = {
    "lowered": ([lowered] * 40, []),
    "unknown": ([unknown] * 40, []),
    "negated": ([negated] * 40, [("loss_negated", 0)]),
    "negated_now_and_then": ([unknown, negated, negated] * 4, [("loss_negated", 1)]),
    "beside_another": ([partly] * 40, [("loss_partly_negated", 0)]),
    "once_before_the_loop": ([negated, *[lowered] * 40], []),
    "a_reward_of_either_sign": ([*[negated, lowered, lowered] * 12, *[negated] * 4], []),
    "from_a_later_step_on": (
        [*[lowered] * READ_EVERY, *[negated] * 3 * READ_EVERY],
        [("loss_partly_negated", READ_EVERY)],
    ),
}


@pytest.mark.parametrize("name", SIGNS)
def test_a_sign_is_told_once_and_from_where(name: str) -> None:
    steps, told = SIGNS[name]
    assert [(one.key, one.step) for one in signs(*steps)] == told


def test_what_is_subtracted_is_named() -> None:
    (whole,), (part,) = signs(*[negated] * 8), signs(*[partly] * 8)
    assert "a squared error" in whole.statement
    assert "Abs" in part.statement


def test_micro_batches_are_read_like_the_batch() -> None:
    assert [one.key for one in signs(*[negated] * 8, passes=4)] == ["loss_negated"]
    assert signs(*[lowered] * 8, passes=4) == []


def test_losses_are_read_at_first_and_then_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Tensor] = []

    def terms(loss: Tensor, *, scaled: bool) -> objective.Terms:
        read.append(loss)
        return objective.Terms()

    monkeypatch.setattr(objective, "terms", terms)
    looped(*[lowered] * 10 * READ_EVERY)
    assert len(read) == CHECKED_STEPS + 9


@pytest.mark.parametrize(
    ("passes", "clears", "count"), [(1, False, 1), (4, False, 4), (4, True, 4)]
)
def test_backward_passes_of_one_step(passes: int, clears: bool, count: int) -> None:
    assert looped(*[lowered] * 3, passes=passes, clears=clears).accumulated == count
    assert LoopChecks().accumulated == 1


def test_a_module_clears_the_gradients_of_those_that_update_it() -> None:
    body, head = nn.Linear(3, 2), nn.Linear(2, 1)
    whole = nn.Sequential(body, head)
    first = torch.optim.SGD(body.parameters(), lr=0.1)
    second = torch.optim.SGD(head.parameters(), lr=0.1)
    found = new_probe(whole, first, second).optimizers
    of_body, of_head = list(found)
    assert found.cleared_by(whole) == [of_body, of_head]
    assert found.cleared_by(head) == [of_head]
    assert found.cleared_by(first) == [of_body]
    assert found.cleared_by(nn.Linear(1, 1)) == []
    alone = new_probe(whole, first).optimizers
    assert alone.cleared_by(nn.Linear(1, 1)) == list(alone)  # of which it may be a part
