"""Sums over data alone: a divisor of 0 among them says that no target counts."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradcheck.watch.dispatch import storage_of
from gradcheck.watch.trace import Trace

X, IGNORED, NOTHING = torch.randn(6, 3), torch.full((6,), -1), torch.zeros(6)
LABELS = torch.tensor([0, 1, 1, 0, 1, 0])
MODEL = nn.Linear(3, 2)


def losses(outputs: Tensor, labels: Tensor) -> Tensor:
    return F.cross_entropy(outputs, labels.clamp_min(0), reduction="none")


def verdict_on(loss_of: Callable[[Tensor], Tensor]) -> str:
    """What is said of the first operation that was not finite."""
    trace = Trace({storage_of(p): ("parameter", name) for name, p in MODEL.named_parameters()})
    with trace:
        loss_of(MODEL(X))
    return trace.nodes[0].verdict.key


COUNTS: dict[str, Callable[[Tensor], Tensor]] = {
    "a mask": lambda out: (losses(out, LABELS) * (IGNORED >= 0)).sum() / (IGNORED >= 0).sum(),
    "a mask of floats": lambda out: (
        (losses(out, LABELS) * (mask := (IGNORED >= 0).float())).sum() / mask.sum()
    ),
    "weights of the samples": lambda out: (losses(out, LABELS) * NOTHING).sum() / NOTHING.sum(),
    "in another order": lambda out: (
        (losses(out, LABELS) * (taken := NOTHING[torch.argsort(X[:, 0])])).sum() / taken.sum()
    ),
    "of a batch that chance drew": lambda out: (
        (losses(out, LABELS) * (taken := NOTHING[torch.randint(0, 6, (6,))])).sum() / taken.sum()
    ),
    "counted": lambda out: losses(out, LABELS).sum() * 0 / torch.count_nonzero(NOTHING),
    "a class that is missing": lambda out: (
        (losses(out, LABELS) * (LABELS == 5)).sum() / (LABELS == 5).sum().float()
    ),
}
OTHERS: dict[str, Callable[[Tensor], Tensor]] = {
    "what the model says": lambda out: losses(out, LABELS).sum() * 0 / (out.argmax(1) > 5).sum(),
    "without a graph": lambda out: losses(out, LABELS).sum() * 0 / (out.detach() > 1e9).sum(),
    "a spread of the targets": lambda out: (
        (out[:, 0] - 1).pow(2).sum() / ((NOTHING - NOTHING.mean()) ** 2).sum()
    ),
    "of each row": lambda out: out * 0 / NOTHING.reshape(6, 1).sum(1, keepdim=True),
    "a mask that chance drew": lambda out: (
        (losses(out, LABELS) * (mask := torch.rand(6) > 2)).sum() / mask.sum()
    ),
    "chance and data": lambda out: (
        (losses(out, LABELS) * (mask := (LABELS > 0) & (torch.rand(6) > 2))).sum() / mask.sum()
    ),
    "no sum": lambda out: out.sum() / NOTHING[0],
    "of weights": lambda out: out.sum() / (MODEL.weight * 0).sum(),
}


@pytest.mark.parametrize("name", COUNTS)
def test_nothing_counts(name: str) -> None:
    assert verdict_on(COUNTS[name]) == "no_target_counted"


@pytest.mark.parametrize("name", OTHERS)
def test_a_division_by_zero_like_any_other(name: str) -> None:
    assert verdict_on(OTHERS[name]) == "division_by_zero_ran"


def test_the_samples_are_those_of_the_sum() -> None:
    trace = Trace({})
    picked = torch.tensor([4, 0, 5])
    with trace:
        inputs, labels = X[picked], IGNORED[picked]
        (losses(MODEL(inputs), labels) * (labels >= 0)).sum() / (labels >= 0).sum()
    assert trace.nodes[0].samples == (0, 4, 5)
