"""A held step leaves weights, buffers and optimizer state as they were, bit for bit."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.watch.running import Ran, Zygote

SCRIPT = """
import copy
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
optimizer = torch.optim.OPTIMIZER
bad_step, nan = STEP, float("nan")


def state():
    return copy.deepcopy({"model": model.state_dict(), "optimizer": optimizer.state_dict()})


def forward(step):
    x, y = torch.randn(16, 4), torch.randn(16, 1)
    bad = step == bad_step
    DAMAGE
    return loss


def closure():
    optimizer.zero_grad()
    loss = forward(step)
    loss.backward()
    return loss


ended = None
try:
    for step in range(8):
        before = state()
        LOOP
except BaseException as error:
    ended = type(error).__name__
    raise
finally:
    torch.save({"before": before, "after": state(), "step": step, "ended": ended}, "end.pt")
print("done")
"""
LOSS = "loss = F.mse_loss(model(x), y)\n"
DAMAGES = {
    "nan_loss": f"{LOSS}    loss = loss * (nan if bad else 1)",
    "infinite_loss": f"{LOSS}    loss = loss / (0 if bad else 1)",
    "gradient_only": f"{LOSS}    loss = loss + ((model(x) * (0 if bad else 1)) ** 2).sqrt().mean()",
    "nan_batch": f"x[3, 2] = nan if bad else 0\n    {LOSS}",
    "infinite_batch": f"x[3] = float('inf') if bad else 0\n    {LOSS}",
}
PLAIN = """
        optimizer.zero_grad()
        loss = forward(step)
        loss.backward()
        optimizer.step()
"""
CLIPPED = PLAIN.replace(
    "        optimizer.step",
    "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        optimizer.step",
)
CLOSURE = "optimizer.step(closure)"
MOMENTUM = "SGD(model.parameters(), lr=0.1, momentum=0.9)"
ADAM = "Adam(model.parameters(), lr=0.01)"
LBFGS = "LBFGS(model.parameters(), lr=0.1, max_iter=3)"


def script(damage: str, optimizer: str = ADAM, step: int = 4, loop: str = PLAIN) -> str:
    return (
        SCRIPT.replace("OPTIMIZER", optimizer)
        .replace("STEP", str(step))
        .replace("LOOP", loop.strip())
        .replace("DAMAGE", damage.strip())
    )


def end_of(ran: Ran) -> dict[str, Any]:
    found = torch.load(ran.folder / "end.pt", weights_only=True)
    assert isinstance(found, dict)
    return found


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name}.{key}")
    elif isinstance(value, list | tuple):
        for at, inner in enumerate(value):
            yield from leaves(inner, f"{name}.{at}")
    else:
        yield name, value


def assert_untouched(ran: Ran) -> None:
    """What is there after the held step is what was there before it, and finite."""
    end = end_of(ran)
    before, after = dict(leaves(end["before"])), dict(leaves(end["after"]))
    assert before.keys() <= after.keys()
    for name, value in after.items():
        if isinstance(value, torch.Tensor):
            assert bool(torch.isfinite(value).all()), name
            assert name not in before or torch.equal(value, before[name]), name
        else:
            assert value == before.get(name, value), name


def assert_held(ran: Ran, step: int) -> None:
    assert ran.code == 1, ran.err
    assert ran.held
    assert ran.out == ""
    end = end_of(ran)
    assert (end["step"], end["ended"]) == (step, "Stop")
    assert ran.run["first_bad_step"] == ran.run["last_step"] == step
    assert_untouched(ran)


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage(zygote: Zygote, tmp_path: Path, damage: str) -> None:
    assert_held(zygote.watch(tmp_path, script(DAMAGES[damage])), 4)


@pytest.mark.parametrize("damage", ["nan_loss", "nan_batch"])
def test_the_very_first_step(zygote: Zygote, tmp_path: Path, damage: str) -> None:
    assert_held(zygote.watch(tmp_path, script(DAMAGES[damage], step=0)), 0)


@pytest.mark.parametrize(
    ("optimizer", "loop"),
    [
        (MOMENTUM, PLAIN),
        (MOMENTUM, CLIPPED),
        ("AdamW(model.parameters(), lr=0.01, weight_decay=0.1)", CLOSURE),
        ("RMSprop(model.parameters(), lr=0.01, momentum=0.5)", PLAIN),
        ("Adam(model.parameters(), lr=0.01, foreach=False, amsgrad=True)", PLAIN),
        (LBFGS, CLOSURE),
    ],
)
def test_every_kind_of_step(zygote: Zygote, tmp_path: Path, optimizer: str, loop: str) -> None:
    ran = zygote.watch(tmp_path, script(DAMAGES["nan_batch"], optimizer, loop=loop))
    assert_held(ran, 4)


def test_bare_python_ruins_the_weights(zygote: Zygote, tmp_path: Path) -> None:
    """The damage is one, or the tests above would show nothing."""
    end = end_of(zygote.bare(tmp_path, script(DAMAGES["nan_batch"])))
    assert any(bool(torch.isnan(value).any()) for value in end["after"]["model"].values())


@pytest.mark.parametrize("loop", [PLAIN, CLOSURE], ids=["plain", "closure"])
def test_keep_going(zygote: Zygote, tmp_path: Path, loop: str) -> None:
    ran = zygote.watch(tmp_path, script(DAMAGES["nan_batch"], loop=loop), "--keep-going")
    assert ran.out == "done\n", ran.err
    end = end_of(ran)
    assert end["step"] == 7
    for name, value in leaves(end["after"]):
        assert not isinstance(value, torch.Tensor) or bool(torch.isfinite(value).all()), name
    assert ran.run["last_step"] == 7
    assert ran.cause == "nonfinite_input"


SCALED = PLAIN.replace("loss.backward", "scaler.scale(loss).backward").replace(
    "optimizer.step()", "scaler.step(optimizer)\n        scaler.update()"
)


def test_a_step_that_a_loss_scaler_skips_is_not_held(zygote: Zygote, tmp_path: Path) -> None:
    source = script(f"{LOSS}", loop=SCALED).replace(
        "ended = None", "scaler = torch.amp.GradScaler('cpu', init_scale=2.0**127)\nended = None"
    )
    ran = zygote.watch(tmp_path, source)
    assert ran.out == "done\n", ran.err
    assert ran.code == 0, ran.err
    assert not ran.held
    assert "failure" not in ran.severities


GUARDED = """
        loss = forward(step)
        optimizer.zero_grad()
        if not torch.isfinite(loss):
            continue
        loss.backward()
        optimizer.step()
"""
GUARDED_LATE = """
        loss = forward(step)
        loss.backward()
        if not torch.isfinite(loss):
            optimizer.zero_grad()
            continue
        optimizer.step()
        optimizer.zero_grad()
"""
GUARDED_GRADS = """
        optimizer.zero_grad()
        loss = forward(step)
        loss.backward()
        if not all(torch.isfinite(p.grad).all() for p in model.parameters()):
            for p in model.parameters():
                p.grad = None
        optimizer.step()
"""


@pytest.mark.parametrize("loop", [GUARDED, GUARDED_LATE, GUARDED_GRADS], ids=["loss", "late", "g"])
def test_a_script_that_guards_itself_is_not_held(zygote: Zygote, tmp_path: Path, loop: str) -> None:
    ran = zygote.watch(tmp_path, script(DAMAGES["nan_loss"], loop=loop))
    assert ran.out == "done\n", ran.err
    assert not ran.held
    assert end_of(ran)["step"] == 7


def test_only_the_optimizer_with_bad_gradients_is_asked(zygote: Zygote, tmp_path: Path) -> None:
    """A GAN whose generator fails: the discriminator has taken its step, and keeps it."""
    source = """
    import torch
    from torch import nn
    torch.manual_seed(0)
    g, d = nn.Linear(3, 2), nn.Linear(2, 1)
    of_g = torch.optim.Adam(g.parameters(), lr=0.01)
    of_d = torch.optim.Adam(d.parameters(), lr=0.01)
    try:
        for step in range(6):
            fake = g(torch.randn(8, 3))
            d_loss = d(fake.detach()).pow(2).mean()
            of_d.zero_grad(); d_loss.backward(); of_d.step()
            kept = [p.detach().clone() for p in (*g.parameters(), *d.parameters())]
            g_loss = (d(fake) * (0 if step == 3 else 1)).pow(2).sqrt().mean()
            of_g.zero_grad(); g_loss.backward(); of_g.step()
    finally:
        now = [p.detach() for p in (*g.parameters(), *d.parameters())]
        print(step, all(map(torch.equal, kept, now)))
    """
    ran = zygote.watch(tmp_path, source)
    assert (ran.code, ran.out) == (1, "3 True\n"), ran.err
    assert ran.held
    assert ran.cause == "undefined_gradient"
