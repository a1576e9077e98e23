"""A fault of our own, in any hook: watching is switched off with one line, training goes on."""

# mypy: allow-untyped-calls
from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from gradcheck.watch.guard import Guard, Stop
from gradcheck.watch.listener import Listener
from gradcheck.watch.patches import Hooks
from tests.watch.running import Ran, Zygote

SCRIPT = """
import os
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1000)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
data = TensorDataset(torch.randn(48, 4), torch.randn(48, 1))
for epoch in range(2):
    for x, y in DataLoader(data, batch_size=8, shuffle=True):
        x.requires_grad_()
        out = model(x)
        torch.autograd.grad(out.sum(), x, retain_graph=True)
        loss = nn.functional.mse_loss(out, y)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        schedule.step()
print(loss.item(), [p.double().sum().item() for p in model.parameters()], flush=True)
if os.environ.get("BY_EXIT"):
    os._exit(0)
"""
FAULT = """
from gradcheck.watch.{module} import {owner} as Owner

def fail(self, *args, **kwargs):
    raise {error}("injected into {name}")

Owner.{name} = fail
"""
SAID = "watching is switched off, the training goes on: a fault of gradcheck's own, "


def methods(protocol: type) -> list[str]:
    found = inspect.getmembers(protocol, inspect.isfunction)
    return [name for name, _ in found if not name.startswith("_")]


@pytest.fixture(scope="module", name="bare")
def _bare(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    ran = zygote.bare(tmp_path_factory.mktemp("bare"), SCRIPT)
    assert ran.code == 0, ran.err
    return ran


def faulty(zygote: Zygote, folder: Path, name: str, where: str, error: str = "OSError") -> Ran:
    module, owner = where.split(".")
    prelude = FAULT.format(module=module, owner=owner, name=name, error=error)
    environment = {"BY_EXIT": "1"} if "ending" in name else {}
    return zygote.watch(folder, SCRIPT, prelude=prelude, environment=environment)


def assert_switched_off(ran: Ran, bare: Ran) -> None:
    assert ran.out == bare.out, ran.err
    lines = [line for line in ran.err.splitlines() if SAID in line]
    assert len(lines) == 1, ran.err
    assert lines[0].startswith("gradcheck: ")
    assert "Traceback" not in ran.err
    assert ran.code in (0, 3), ran.err


def test_the_script_as_it_is(zygote: Zygote, tmp_path: Path, bare: Ran) -> None:
    ran = zygote.watch(tmp_path, SCRIPT)
    assert ran.out == bare.out
    assert "switched off" not in ran.err
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("name", methods(Hooks))
def test_a_fault_in_a_hook(zygote: Zygote, tmp_path: Path, bare: Ran, name: str) -> None:
    assert_switched_off(faulty(zygote, tmp_path, name, "probe.Probe"), bare)


@pytest.mark.parametrize("name", [name for name in methods(Listener) if name != "on_nonfinite"])
def test_a_fault_in_a_listener(zygote: Zygote, tmp_path: Path, bare: Ran, name: str) -> None:
    assert_switched_off(faulty(zygote, tmp_path, name, "session.Session"), bare)


@pytest.mark.parametrize("error", ["SystemExit", "GeneratorExit", "MemoryError", "RecursionError"])
def test_a_fault_of_any_kind(zygote: Zygote, tmp_path: Path, bare: Ran, error: str) -> None:
    assert_switched_off(faulty(zygote, tmp_path, "_measure", "probe.Probe", error), bare)


def test_a_fault_while_a_step_is_held(zygote: Zygote, tmp_path: Path) -> None:
    """Nothing is held any more; the script ends as it would."""
    source = SCRIPT.replace("(out, y)", "(out, y * float('nan'))").replace("2.0**127", "1.0")
    source = source.replace("scaler.step(optimizer)", "optimizer.step()")
    bare = zygote.bare(tmp_path / "bare", source)
    assert bare.out.startswith("nan"), bare.err
    fault = FAULT.format(module="localise", owner="Snapshots", name="run", error="OSError")
    ran = zygote.watch(tmp_path / "watched", source, prelude=fault)
    assert ran.out == bare.out
    assert SAID in ran.err
    assert not ran.held


def test_a_fault_in_the_conclusion(zygote: Zygote, tmp_path: Path, bare: Ran) -> None:
    assert_switched_off(faulty(zygote, tmp_path, "observations", "loop.LoopChecks"), bare)


# ---- the guard itself


def test_the_first_fault_is_told_and_the_last() -> None:
    said: list[str] = []
    guard = Guard(said.append)
    assert guard(lambda: 3) == 3
    assert guard(lambda: [][0]) is None
    assert guard(lambda: 3) is None
    assert len(said) == 1
    assert "IndexError: list index out of range (test_guard.py:" in said[0]
    assert guard.fault is not None


def test_what_our_hooks_call_is_not_watched() -> None:
    guard = Guard(lambda text: None)
    assert guard(lambda: guard(lambda: 3)) is None
    assert guard(lambda: 4) == 4


@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt])
def test_what_must_pass_passes(error: type[BaseException]) -> None:
    def fail() -> None:
        raise error

    guard = Guard(lambda text: None)
    with pytest.raises(error):
        guard(fail)
    assert not guard.off
    assert guard(lambda: 5) == 5


def test_a_fault_that_cannot_even_be_told() -> None:
    def tell(text: str) -> None:
        raise BrokenPipeError

    guard = Guard(tell)
    assert guard(lambda: [][0]) is None
    assert guard.off
