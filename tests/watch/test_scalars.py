"""Names of single learned numbers that no module holds."""

# mypy: allow-untyped-calls
from __future__ import annotations

import torch
from torch import Tensor, nn

from gradcheck.watch import scalars
from gradcheck.watch.followed import Followed
from gradcheck.watch.names import Names
from tests.watch.changes.acting import new_probe


class Agent:
    """Holds a temperature as an attribute, as scripts of SAC do."""

    def __init__(self) -> None:
        self.log_alpha = torch.zeros((), requires_grad=True)


def names_of(*held: Tensor, model: nn.Module | None = None) -> list[str]:
    optimizer = torch.optim.SGD(list(held), lr=0.1)
    probe = new_probe(model or nn.Linear(2, 1), optimizer)
    followed: Followed = next(f for o, f in probe.optimizers.items() if o is optimizer)
    names: Names = probe.optimizers.names
    return [name.rpartition("/")[2] for name, _ in scalars.find(followed, names)]


def test_an_attribute_gives_a_number_its_name() -> None:
    agent = Agent()
    assert names_of(agent.log_alpha) == ["log_alpha"]


def test_a_number_that_nothing_names_is_told_by_its_place() -> None:
    assert names_of(torch.ones(3, requires_grad=True), torch.zeros((), requires_grad=True)) == [
        "parameter_1"
    ]
