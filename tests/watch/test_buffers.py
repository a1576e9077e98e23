"""Copies of running statistics: which buffers, put back bit for bit, and which of them broke."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from gradcheck.watch.buffers import MOST_NUMBERS, BufferCopies
from gradcheck.watch.names import Registry


class Observer(nn.Module):
    """A buffer that is written in place, or bound anew, in every forward pass."""

    def __init__(self, *, anew: bool, first: float = 0.0) -> None:
        super().__init__()
        self.anew = anew
        self.level: Tensor
        self.register_buffer("level", torch.full((3,), first))

    def forward(self, x: Tensor) -> Tensor:
        if self.anew:
            self.level = 0.9 * self.level + 0.1 * x.detach().mean(0)
        else:
            self.level.lerp_(x.detach().mean(0), 0.1)
        return x


def copies_of(*modules: nn.Module) -> BufferCopies:
    registry = Registry()
    for module in modules:
        registry.add(module)
    copies = BufferCopies(registry)
    copies.keep()
    return copies


MODULES = {
    "batch_norm": lambda: nn.BatchNorm1d(3),
    "observer in place": lambda: Observer(anew=False),
    "observer bound anew": lambda: Observer(anew=True),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_forward_pass_is_taken_back(name: str) -> None:
    module = MODULES[name]()
    module(torch.randn(4, 3))
    copies = copies_of(module)
    module(torch.randn(4, 3))
    copies.keep()
    before = {key: value.clone() for key, value in module.named_buffers()}
    module(torch.full((4, 3), math.nan))
    assert copies.broken() is not None
    copies.restore()
    after = dict(module.named_buffers())
    assert all(torch.equal(value, after[key]) for key, value in before.items())
    assert copies.broken() is None


def test_two_of_a_kind_are_two() -> None:
    fine, broken = Observer(anew=False), Observer(anew=False)
    copies = copies_of(fine, broken)
    assert copies.broken() is None
    broken(torch.full((2, 3), math.inf))
    assert copies.broken() == "Observer.level"
    copies.restore()
    assert bool(broken.level.isfinite().all())


def test_what_never_was_finite_did_not_break() -> None:
    mask, living = Observer(anew=False, first=-math.inf), Observer(anew=False)
    copies = copies_of(mask, living)
    living(torch.ones(2, 3))
    copies.keep()
    assert copies.broken() is None


def test_large_tables_are_no_statistics() -> None:
    table = nn.Module()
    table.register_buffer("positions", torch.zeros(MOST_NUMBERS + 1))
    copies = copies_of(table)
    table.positions.fill_(math.nan)  # type: ignore[operator]
    assert copies.broken() is None


def test_a_buffer_that_changed_its_shape_is_left_alone() -> None:
    module = Observer(anew=False)
    copies = copies_of(module)
    module.level = torch.ones(5)
    copies.restore()
    assert torch.equal(module.level, torch.ones(5))
    copies.keep()
    module.level.fill_(2.0)
    copies.restore()
    assert torch.equal(module.level, torch.ones(5))


def test_a_mask_that_is_made_when_it_is_first_used_did_not_break() -> None:
    module, living = nn.Module(), Observer(anew=True)
    module.register_buffer("mask", torch.empty(0), persistent=False)
    copies = copies_of(module, living)
    module.mask = torch.full((4, 4), -math.inf).triu(1)
    living(torch.ones(2, 3))
    copies.keep()
    assert copies.broken() is None
    living(torch.full((2, 3), math.nan))
    assert copies.broken() == "Observer.level"


@pytest.mark.parametrize(
    "buffer",
    [
        torch.zeros(3, dtype=torch.float8_e4m3fn),
        torch.zeros(3, dtype=torch.complex64),
        torch.zeros(3, dtype=torch.bool),
        torch.zeros((), dtype=torch.int64),
        torch.zeros(3, 3).to_sparse(),
        torch.zeros(0),
    ],
    ids=["float8", "complex", "bool", "a count", "sparse", "empty"],
)
def test_a_buffer_of_any_kind_is_harmless(buffer: Tensor) -> None:
    module = nn.Module()
    module.register_buffer("held", buffer)
    copies = copies_of(module)
    assert copies.broken() is None
    copies.keep()
    copies.restore()


@pytest.mark.filterwarnings("ignore")
def test_buffers_of_a_scripted_module() -> None:
    module = torch.jit.script(nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3)))
    module(torch.randn(4, 3))
    copies = copies_of(module, *module.modules())
    assert copies.broken() is None
    module(torch.full((4, 3), math.nan))
    assert copies.broken() is not None
    copies.restore()
    assert copies.broken() is None


def test_a_buffer_that_is_gone_is_left_alone() -> None:
    module = Observer(anew=False)
    copies = copies_of(module)
    del module.level
    copies.keep()
    assert copies.broken() is None
    copies.restore()
