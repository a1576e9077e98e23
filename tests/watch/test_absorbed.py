"""A logarithm of 0, or a division by it, where the 0 is what an infinity left."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gradcheck.watch.nodes import Node
from gradcheck.watch.trace import Trace

LARGE = torch.full((4, 3), 10.5, dtype=torch.float16)
SMALL = torch.ones(4, 3)


def sums() -> Tensor:
    e = LARGE.exp()  # 36,000 each
    return (e[:, 0] / e.sum(1)).float().log().mean()


def exponentials() -> Tensor:
    e = (SMALL * 100).exp()
    return (SMALL[:, 0] / e.prod(1).mul(2.0)).reshape(2, 2).log2()


def divided_again() -> Tensor:
    return 1 / (2 / (SMALL * 200).exp())


def masked() -> Tensor:
    scores = SMALL.masked_fill(torch.eye(4, 3, dtype=torch.bool), -math.inf)
    return scores.softmax(1).log()


def both() -> Tensor:
    torch.zeros(2).log()
    left = SMALL / (SMALL * 200).exp()
    del left
    return torch.zeros(4, 3).log()


BEHIND: dict[str, tuple[Callable[[], Tensor], str]] = {
    "sums": (sums, "aten::sum"),
    "exponentials": (exponentials, "aten::prod"),
    "divided_again": (divided_again, "aten::exp"),
}


def last(run: Callable[[], Tensor]) -> Node:
    trace = Trace({})
    with trace:
        run()
    return [node for node in trace.nodes if "zero" in node.verdict.key][-1]


@pytest.mark.parametrize("name", BEHIND)
def test_the_infinity_is_behind_it(name: str) -> None:
    run, op = BEHIND[name]
    found = last(run).bad_inputs
    seen = []
    while found:
        assert isinstance(found[0], Node)
        seen.append(found[0].op)
        found = found[0].bad_inputs
    assert op in seen


@pytest.mark.parametrize("run", [masked, both])
def test_nothing_is_behind_a_zero_of_its_own(run: Callable[[], Tensor]) -> None:
    found = last(run)
    behind = [one.op for one in found.bad_inputs if isinstance(one, Node)]
    assert "aten::exp" not in behind
    assert not behind or run is masked
